import { useState } from 'react'
import { useSession } from '../session/context.js'
import { Action, Reason } from '../ui/action.js'
import type { NoteDetailed } from './note.js'

export function RetractNote({ note }: { note: NoteDetailed }) {
  const { clinical } = useSession()
  const [reason, setReason] = useState('')
  return (
    <Action summary="It was entered in error" button="Retract" said="Marked as entered in error." work={() => clinical.notes.retract({ noteId: note.id, version: note.version, reason })}>
      <Reason value={reason} onChange={setReason} />
    </Action>
  )
}
