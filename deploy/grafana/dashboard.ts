import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { projectPath } from '../../services/shared/project-path.ts'
import type { PanelSource } from './row-source.ts'
import { COLOURS, ROWS } from './rows.ts'

/** Turns the rows into what Grafana reads; how a panel looks is decided here, for all alike. */

export const DASHBOARD_FILE = projectPath('deploy/grafana/dashboards/call-webhook.json')

/** Chosen at the top of the page: the dashboard knows no Prometheus by name. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

const STAT_HEIGHT = 4
const GRAPH_HEIGHT = 8

/** The text of `DASHBOARD_FILE`. */
export function renderDashboard(): string {
  const dashboard = new DashboardBuilder('Call Webhook')
    .uid('call-webhook')
    .description('Telephony events in, webhooks out. Made by `npm run dashboard`: change rows.ts.')
    .tags(['call-webhook'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'),
    )
  let id = 0
  for (const { title, panels } of ROWS) {
    dashboard.withRow(new RowBuilder(title).id(++id))
    for (const panel of panels) {
      dashboard.withPanel((panel.kind === 'stat' ? stat(panel) : graph(panel)).id(++id))
    }
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`
}

function stat(panel: PanelSource): StatBuilder {
  return dressed(new StatBuilder(), panel)
    .height(STAT_HEIGHT)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .noValue('no events')
}

function graph(panel: PanelSource): TimeSeriesBuilder {
  const builder = dressed(new TimeSeriesBuilder(), panel)
    .height(GRAPH_HEIGHT)
    .min(0)
    .lineWidth(1)
    .fillOpacity(panel.kind === 'stack' ? 40 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending),
    )
    .thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(
        panel.thresholds ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off,
      ),
    )
  if (panel.kind === 'lines') return builder
  for (const [name, fixedColor] of Object.entries(COLOURS)) {
    builder.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor } }])
  }
  return builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
}

function dressed<Builder extends StatBuilder | TimeSeriesBuilder>(
  builder: Builder,
  { title, description, unit, width, queries, thresholds = [] }: PanelSource,
): Builder {
  builder
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(width)
    .thresholds(
      new ThresholdsConfigBuilder()
        .mode(ThresholdsMode.Absolute)
        .steps([
          { value: null, color: 'green' },
          ...thresholds.map(([value, color]) => ({ value, color })),
        ]),
    )
  for (const [index, { expr, legend }] of queries.entries()) {
    builder.withTarget(
      new DataqueryBuilder()
        .datasource(DATASOURCE)
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .expr(expr)
        .legendFormat(legend)
        .range(),
    )
  }
  return builder
}
