import { useState } from 'react'
import { useCommon } from '../i18n.ts'
import { Button } from './button.tsx'

interface CopyButtonProps {
  readonly text: string
  readonly label?: string
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  const words = useCommon()
  const copy = async () => {
    if (!(await writeToClipboard(text))) return
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <span className="copy" aria-live="polite">
      <Button
        icon={copied ? 'check' : 'copy'}
        onClick={() => void copy() /* When it fails the text is there to be selected. */}
      >
        {copied ? words.copied : (label ?? words.copy)}
      </Button>
    </span>
  )
}

/** The clipboard needs https or localhost; without it the old command still works. */
async function writeToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  // Inside of a modal dialog, whatever lies outside can be neither focused nor selected.
  const host = document.querySelector('dialog[open]') ?? document.body
  host.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
