// Another device of the same person, without a screen: it speaks to the API itself.

export class Device {
  #url;
  #token;

  static async of(name, url) {
    const device = new Device();
    device.#url = url;
    const answer = await fetch(new URL('dev/token', url), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name }) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    device.#token = (await answer.json()).token;
    return device;
  }

  async ask(query, variables) {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` };
    const answer = await fetch(new URL('graphql', this.#url), { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Begins an upload; what comes back sends the next bytes and ends it. */
  async upload(input) {
    const { createUpload } = await this.ask('mutation($in: CreateUploadInput!) { createUpload(input: $in) { upload { id } tus { url headers { name value } } } }', { in: input });
    const { url, headers } = createUpload.tus;
    let offset = 0;
    const send = async (bytes) => {
      const answer = await fetch(url, {
        method: 'PATCH',
        headers: {
          ...Object.fromEntries(headers.map(({ name, value }) => [name, value])),
          ...{ 'Tus-Resumable': '1.0.0', 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) },
        },
        body: bytes,
      });
      if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
      offset += bytes.length;
    };
    return { id: createUpload.upload.id, send };
  }

  /** Saves another text of a draft, as somebody else would. */
  async edit(noteId, draft) {
    const { note } = await this.ask('query($id: ID!) { note(id: $id) { version } }', { id: noteId });
    await this.ask('mutation($in: UpdateNoteDraftInput!) { updateNoteDraft(input: $in) { note { id } } }', { in: { noteId, expectedVersion: note.version, draft } });
  }

  async newestFile(patientId) {
    const { files } = await this.ask('query($id: ID!) { files(patientId: $id, first: 1) { nodes { id } } }', { id: patientId });
    return files.nodes[0].id;
  }

  async newestNote(patientId) {
    const { notes } = await this.ask('query($id: ID!) { notes(patientId: $id, first: 1) { nodes { id } } }', { id: patientId });
    return notes.nodes[0].id;
  }
}
