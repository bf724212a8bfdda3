package signing

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// checker holds one note to its signature.
type checker struct {
	export  exported
	trusted Trusted
	held    map[string]bool // nil: there are no bytes to look at
	doc     resource
	out     []Finding
}

func (c *checker) say(what string, ok bool, words string) {
	c.out = append(c.out, Finding{Note: c.doc.ID, What: what, OK: ok, Words: words})
}

// equal compares what the export says with what was signed.
func (c *checker) equal(what, got, signed, words string) {
	if got != signed {
		c.say(what, false, words)
		return
	}
	c.say(what, true, "as signed")
}

func (c *checker) check() []Finding {
	content, ok := c.signature()
	if !ok {
		return c.out
	}
	a := c.doc.attachment()
	c.equal("text", Digest(string(a.Data)), content.TextSHA256, "the text is not the one that was signed")
	if content.TitleSHA256 != "" || a.Title != "" {
		title := ""
		if a.Title != "" {
			title = Digest(a.Title)
		}
		c.equal("title", title, content.TitleSHA256, "the title is not the one that was signed")
	}
	c.record(content)
	for _, s := range content.Sources {
		c.source(s)
	}
	return c.out
}

// signature finds the note's signature and gives what was signed, if it is
// valid and of this note. The newest one counts; a note is signed once.
func (c *checker) signature() (content Content, ok bool) {
	reason := "no signature of this note in the export"
	for _, p := range c.export.provenance {
		own := "DocumentReference/" + c.doc.ID + "/"
		if !slices.ContainsFunc(p.Target, func(t reference) bool { return strings.HasPrefix(t.Reference, own) }) {
			continue
		}
		for _, s := range p.Signature {
			signed, err := c.trusted.Verify(string(s.Data))
			if err != nil {
				reason = strings.TrimPrefix(err.Error(), "signing: ")
				continue
			}
			target := reference{own + "_history/" + strconv.Itoa(signed.Version)}
			if signed.ID != c.doc.ID || !slices.Contains(p.Target, target) {
				reason = "the signature is of another note or version"
				continue
			}
			c.say("signature", true, "by "+signed.Signer+" at "+signed.SignedAt)
			return signed, true
		}
	}
	c.say("signature", false, reason)
	return content, false
}

// record compares who and whose the export says the note is.
func (c *checker) record(signed Content) {
	author := ""
	if len(c.doc.Author) > 0 {
		author = c.doc.Author[0].Reference
	}
	wrote := "Practitioner/"
	if signed.AuthorKind != "user" {
		wrote = "Device/"
	}
	signer := ""
	if c.doc.Authenticator != nil {
		signer = c.doc.Authenticator.Reference
	}
	wrong := ""
	for _, pair := range []struct{ what, got, want string }{
		{"patient", c.doc.Subject.Reference, "Patient/" + signed.Patient},
		{"author", author, wrote + signed.Author},
		{"signer", signer, "Practitioner/" + signed.Signer},
	} {
		if pair.got != pair.want {
			wrong = cmp.Or(wrong, "the "+pair.what+" is not the one that was signed")
		}
	}
	c.say("record", wrong == "", cmp.Or(wrong, "patient, author and signer as signed"))
}

// source holds a source to its bytes, or to what the export says of them.
func (c *checker) source(s ContentSource) {
	f := Finding{Note: c.doc.ID, What: "source " + s.Type + "/" + s.ID}
	if slices.ContainsFunc(c.out, func(o Finding) bool { return o.What == f.What }) {
		return // another span of the same recording
	}
	stated, isNote := c.stated(s)
	switch {
	case isNote && stated == s.SHA256:
		f.OK, f.Words = true, "its text is the signed one"
	case isNote: // a note that was a draft then
		f.Unchecked, f.Words = true, "the source note has changed since"
	case stated != "" && stated != s.SHA256:
		f.Words = "the export's digest is not the signed one"
	case c.held[s.SHA256]:
		f.OK, f.Words = true, "its bytes are the signed ones"
	case c.held != nil:
		f.Words = "no file has the signed bytes"
	case stated != "":
		f.OK, f.Words = true, "the export's digest is the signed one; its bytes were not looked at"
	default:
		f.Unchecked, f.Words = true, "neither in the export nor looked at"
	}
	c.out = append(c.out, f)
}

// stated is the digest of a source as the export has it: of a note, which has no
// bytes of its own, that of its text.
func (c *checker) stated(s ContentSource) (digest string, isNote bool) {
	for _, r := range append(slices.Clone(c.export.media), c.export.documents...) {
		if r.ResourceType != s.Type || r.ID != s.ID {
			continue
		}
		a := r.attachment()
		if len(a.Data) > 0 {
			return Digest(string(a.Data)), true
		}
		return a.sha256(), false
	}
	return "", false
}
