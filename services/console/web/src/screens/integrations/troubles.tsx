import { Card } from '../../components/card.tsx'
import { useTileText } from './tile-text.ts'

export function Troubles() {
  const { help } = useTileText()
  return (
    <Card title={help.title} lead={help.lead}>
      <ul className="causes">
        {help.causes.map(({ code, title, fix }) => (
          <li key={code} className="cause">
            <span className="cause-code">{code}</span>
            <div>
              <h3>{title}</h3>
              <p className="muted">{fix}</p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
