import { spawn } from 'node:child_process'

/**
 * The text of a draft. This is the place for a speech recogniser: with
 * TRANSCRIBE_COMMAND set, the sound is given to that program and what it prints
 * is the draft. Without one, the draft says what is known of the recording, and
 * that nobody has listened to it.
 */
export async function transcribe(file, sound) {
  const command = process.env.TRANSCRIBE_COMMAND
  if (command) return run(command, sound)
  return [
    `A recording was made (${file.kind}, ${file.contentType}, ${sound.length} bytes).`,
    'It was not transcribed: this scribe has no speech recogniser (TRANSCRIBE_COMMAND).',
  ].join('\n')
}

function run(command, sound) {
  return new Promise((resolve, reject) => {
    const program = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] })
    let text = ''
    program.stdout.setEncoding('utf8').on('data', (words) => (text += words))
    program.on('error', reject)
    program.on('close', (code) => {
      if (code !== 0) reject(new Error(`TRANSCRIBE_COMMAND ended with ${code}`))
      else if (!text.trim()) reject(new Error('TRANSCRIBE_COMMAND gave no text'))
      else resolve(text.trim())
    })
    program.stdin.on('error', () => {}) // a program that does not read to the end
    program.stdin.end(sound)
  })
}
