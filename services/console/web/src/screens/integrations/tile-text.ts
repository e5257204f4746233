import { tileEn } from '../../i18n/tile.en.ts'
import { tileUk } from '../../i18n/tile.uk.ts'
import { useText } from '../../i18n.ts'

export function useTileText(): typeof tileEn {
  return useText({ en: tileEn, uk: tileUk })
}
