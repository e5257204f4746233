import type { shellEn } from './shell.en.ts'

export const shellUk: typeof shellEn = {
  product: 'Call Webhook',
  skip: 'Перейти до змісту',
  navigation: 'Головна',
  signOut: 'Вийти',
  language: 'In English',
  languageShort: 'EN',
  theme: { system: 'Кольори: як на пристрої', light: 'Кольори: світлі', dark: 'Кольори: темні' },
  workspace: 'Робочий простір',
  notFound: 'Такої сторінки немає',
  notFoundLead: 'Можливо, адреса застаріла або містить помилку.',
  toStart: 'До інтеграцій',
  screens: {
    integrations: { title: 'Інтеграції', short: 'Вебхук' },
    deliveries: { title: 'Доставлення', short: 'Журнал' },
    lane: { title: 'Черга', short: 'Черга' },
    recovery: { title: 'Пропущене', short: 'Пропуски' },
    sources: { title: 'Джерела', short: 'Джерела' },
    developers: { title: 'Розробникам', short: 'Код' },
  },
}
