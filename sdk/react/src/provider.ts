import type { Clinical } from '@bonfiredb/client'
import { createContext, createElement, useContext, type ReactNode } from 'react'

const Given = createContext<Clinical | null>(null)

/** Gives the client of one login to the hooks below it. Another login needs another client: make it anew, under another `key`. */
export function ClinicalProvider({ clinical, children }: { clinical: Clinical; children?: ReactNode }) {
  return createElement(Given.Provider, { value: clinical }, children)
}

/** The client of the nearest provider. */
export function useClinical(): Clinical {
  const clinical = useContext(Given)
  if (!clinical) throw new Error('there is no ClinicalProvider above this component')
  return clinical
}
