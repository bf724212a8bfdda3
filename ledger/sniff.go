package ledger

import (
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"

	"github.com/bonfiredb/bonfire/clinical"
)

// sniff looks at a file's first bytes, as soon as there are enough of them, and
// compares their type with the declared one before a byte is stored. It returns
// what it saw, "" while it cannot tell. Unsupported (contentType) when they
// differ and the kind refuses that.
func (f *flow) sniff(u *unit) (string, error) {
	if f.up.Sniffed != "" || u.from != 0 || (u.fresh.size < 512 && !u.final) {
		return "", nil
	}
	return judgeType(f.up, u.fresh.head(SniffLen))
}

// judge does the same when the first bytes came in pieces too small to tell by
// and stand in tails now.
func (s *Session) judge(u *unit, tails *rope) (err error) {
	if u.pending == 0 && s.row.Sniffed == "" && u.sniffed == "" {
		head := tails.head(SniffLen)
		u.sniffed, err = judgeType(s.row.Upload, append(head, u.fresh.head(SniffLen-len(head))...))
	}
	return err
}

func judgeType(up clinical.Upload, head []byte) (string, error) {
	return JudgeType(up.ContentType, up.Mismatch, head)
}

// JudgeType compares a declared content type with the first bytes (SniffLen of
// them, or all) and tells what these look like. Unsupported (contentType) when
// they differ and the rule refuses that.
func JudgeType(declared string, rule clinical.MismatchRule, head []byte) (string, error) {
	seen := clinical.MediaType(mimetype.Detect(head).String())
	if seen == "" {
		seen = unknownType
	}
	if !sameType(clinical.MediaType(declared), seen, head) && rule != clinical.QuarantineMismatch {
		return seen, clinical.Fail(clinical.Unsupported, "the bytes are not of the declared content type", nil).
			WithField("contentType")
	}
	return seen, nil
}

const unknownType = "application/octet-stream"

// families are content types which one container format can carry: a browser's
// recorder labels audio as video, and detection cannot look past the container.
var families = map[string]string{
	"audio/webm": "webm", "video/webm": "webm", "video/x-matroska": "webm",
	"audio/mp4": "mp4", "video/mp4": "mp4", "video/quicktime": "mp4", "audio/x-m4a": "mp4", "audio/aac": "mp4",
	"audio/ogg": "ogg", "video/ogg": "ogg", "application/ogg": "ogg",
	"image/heic": "heif", "image/heif": "heif", "image/heic-sequence": "heif",
}

// unmarked are declared types whose streams may begin without any signature.
var unmarked = map[string]bool{"audio/mpeg": true, "audio/aac": true}

// sameType reports whether bytes seen as one type may be what was declared.
func sameType(declared, seen string, head []byte) bool {
	switch {
	case declared == seen, declared == unknownType:
		return true
	case len(head) == 0:
		return true // an empty file has no type
	case families[declared] != "" && families[declared] == families[seen]:
		return true
	case unmarked[declared]:
		return seen == unknownType
	case declared == "text/plain":
		return strings.HasPrefix(seen, "text/") || textual(head)
	}
	return !signed[declared]
}

// signed are the declared types whose files always begin with a signature that
// detection knows: anything else under their name is not what it says.
var signed = map[string]bool{
	"application/pdf": true, "image/jpeg": true, "image/png": true, "image/tiff": true, "image/webp": true,
	"image/heic": true, "audio/wav": true, "audio/mp4": true, "audio/webm": true, "audio/ogg": true,
	"audio/flac": true, "video/webm": true, "video/mp4": true, "audio/mpeg": true, "audio/aac": true,
}

// textual reports whether head could be the beginning of UTF-8 text.
func textual(head []byte) bool {
	for i := 1; i < utf8.UTFMax && len(head) > 0 && !utf8.Valid(head); i++ {
		head = head[:len(head)-1] // it may end in the middle of a character
	}
	return utf8.Valid(head) && !strings.ContainsRune(string(head), 0)
}
