export function LaneScreen() {
  return null
}
