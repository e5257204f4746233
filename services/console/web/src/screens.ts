import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { IconName } from './components/icon.tsx'
import type { shellEn } from './i18n/shell.en.ts'

export interface ScreenEntry {
  readonly path: string
  readonly name: keyof typeof shellEn.screens
  readonly icon: IconName
  readonly Screen: LazyExoticComponent<ComponentType>
}

/** In the order of the navigation. Each is loaded when it is first opened. */
export const SCREENS: readonly ScreenEntry[] = [
  {
    path: '/',
    name: 'integrations',
    icon: 'plug',
    Screen: lazy(async () => ({
      default: (await import('./screens/integrations/integrations-screen.tsx')).IntegrationsScreen,
    })),
  },
  {
    path: '/deliveries',
    name: 'deliveries',
    icon: 'list',
    Screen: lazy(async () => ({
      default: (await import('./screens/deliveries/deliveries-screen.tsx')).DeliveriesScreen,
    })),
  },
  {
    path: '/lane',
    name: 'lane',
    icon: 'queue',
    Screen: lazy(async () => ({
      default: (await import('./screens/lane/lane-screen.tsx')).LaneScreen,
    })),
  },
  {
    path: '/recovery',
    name: 'recovery',
    icon: 'rewind',
    Screen: lazy(async () => ({
      default: (await import('./screens/recovery/recovery-screen.tsx')).RecoveryScreen,
    })),
  },
  {
    path: '/sources',
    name: 'sources',
    icon: 'phone',
    Screen: lazy(async () => ({
      default: (await import('./screens/sources/sources-screen.tsx')).SourcesScreen,
    })),
  },
  {
    path: '/developers',
    name: 'developers',
    icon: 'code',
    Screen: lazy(async () => ({
      default: (await import('./screens/developers/developers-screen.tsx')).DevelopersScreen,
    })),
  },
]
