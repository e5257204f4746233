import { Card } from '../../components/card.tsx'
import { Code } from '../../components/code.tsx'
import { DataTable } from '../../components/data-table.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { developersEn } from '../../i18n/developers.en.ts'
import { developersUk } from '../../i18n/developers.uk.ts'
import { useCommon, useText } from '../../i18n.ts'
import { DELIVERY_HEADERS, type DeliveryHeader } from './delivery-headers.ts'
import { EXAMPLE_EVENTS } from './example-events.ts'
import { SigningSecret } from './signing-secret.tsx'
import { SNIPPETS } from './snippets.ts'
import './developers.css'

/** What an endpoint receives, and how it verifies it. */
export function DevelopersScreen() {
  const t = useText({ en: developersEn, uk: developersUk })
  return (
    <>
      <PageHeader
        title={t.title}
        lead={t.lead}
        actions={
          <>
            <a className="button button-quiet" href="/docs">
              {t.links.api}
            </a>
            <a className="button button-quiet" href="/openapi.json">
              {t.links.openapi}
            </a>
          </>
        }
      />
      <div className="stack stack-wide">
        <SigningSecret />
        <Verify />
        <Tools />
        <Headers />
        <Examples />
      </div>
    </>
  )
}

function Verify() {
  const t = useText({ en: developersEn, uk: developersUk }).verify
  return (
    <Card title={t.title} lead={t.lead}>
      <Tabs
        label={t.languages}
        tabs={SNIPPETS.map(({ language, file, text }) => ({
          id: file,
          label: language,
          content: <Code label={file} text={text} />,
        }))}
      />
      <p className="developers-after">{t.after}</p>
    </Card>
  )
}

const TOOLS = ['n8n', 'Make', 'Zapier'] as const

function Tools() {
  const t = useText({ en: developersEn, uk: developersUk }).tools
  return (
    <Card title={t.title}>
      <Tabs
        label={t.names}
        tabs={TOOLS.map((tool) => ({
          id: tool,
          label: tool,
          content: (
            <ol className="developers-steps">
              {t.steps[tool].map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          ),
        }))}
      />
    </Card>
  )
}

function Headers() {
  const t = useText({ en: developersEn, uk: developersUk }).headers
  return (
    <Card title={t.title} lead={t.lead}>
      <DataTable
        caption={t.title}
        rows={Object.keys(DELIVERY_HEADERS) as DeliveryHeader[]}
        rowKey={(header) => header}
        columns={[
          {
            key: 'name',
            title: t.name,
            cell: (header) => <code className="developers-word">{header}</code>,
          },
          {
            key: 'example',
            title: t.example,
            cell: (header) => (
              <code className="developers-word muted">{DELIVERY_HEADERS[header]}</code>
            ),
          },
          { key: 'meaning', title: t.meaning, wide: true, cell: (header) => t.meanings[header] },
        ]}
      />
    </Card>
  )
}

function Examples() {
  const t = useText({ en: developersEn, uk: developersUk }).examples
  const words = useCommon()
  return (
    <Card title={t.title} lead={t.lead}>
      <Tabs
        label={t.kinds}
        tabs={Object.values(EXAMPLE_EVENTS).map((event) => ({
          id: event.event,
          label: words.event[event.event],
          content: (
            <div className="developers-long">
              <Code label={event.event} text={JSON.stringify(event, null, 2)} />
            </div>
          ),
        }))}
      />
    </Card>
  )
}
