-- A gap may also hold what left the log before it was sent: nobody can bring it any more.
alter table gaps
  drop constraint gaps_reason_check,
  add constraint gaps_reason_check check (reason in ('disconnected', 'suspended', 'deleted'));
