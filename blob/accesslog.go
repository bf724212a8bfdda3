package blob

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Access is what one line of the bucket's server access log says of a download
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html).
type Access struct {
	// At is when the store received the request, to the second.
	At time.Time
	// RequestID is the store's own name for the request.
	RequestID string
	// Key is relative to the prefix.
	Key string
	// Link is what the request names as LinkParameter. The store answers with
	// bytes only when it is the one that was signed.
	Link string
	// Status is the answer's HTTP status, Bytes the length of its body.
	Status int
	Bytes  int64
}

// Served reports whether bytes of the object left the store.
func (a Access) Served() bool { return a.Status == 200 || a.Status == 206 }

// errLine: no line of a server access log.
var errLine = errors.New("not a line of an S3 server access log")

// Fields of a line that is split at its spaces. The time takes two, the request
// three: a request line has no further space in it (RFC 9112 section 3).
const (
	logBucket = iota + 1
	logTime
	logZone
	logRemoteIP
	logRequester
	logRequestID
	logOperation
	logKey
	logMethod
	logTarget
	logProtocol
	logStatus
	logError
	logBytes
	logFields
)

// ParseAccess reads a line of a server access log. ours is false for what is no
// GET, by a link of ours, of an object in this bucket under this prefix. An
// error means that it cannot be read as a line of such a log.
//
// Whoever sends a request writes part of its line: target, referer and user
// agent. So the line is taken apart only where none of these can stand.
func (b *Bucket) ParseAccess(line string) (a Access, ours bool, err error) {
	f := strings.SplitN(strings.TrimRight(line, "\r\n"), " ", logFields+1)
	if len(f) <= logRequestID+1 || !strings.HasPrefix(f[logTime], "[") || !strings.HasSuffix(f[logZone], "]") {
		return a, false, errLine
	}
	if a.At, err = time.Parse("[02/Jan/2006:15:04:05 -0700]", f[logTime]+" "+f[logZone]); err != nil {
		return a, false, errLine
	}
	a.At, a.RequestID = a.At.UTC(), f[logRequestID]
	if f[logOperation] != "REST.GET.OBJECT" || f[logBucket] != b.cfg.Bucket {
		return a, false, nil
	}
	if len(f) <= logFields || f[logMethod] != `"GET` || !strings.HasPrefix(f[logProtocol], "HTTP/") || !strings.HasSuffix(f[logProtocol], `"`) {
		return a, false, errLine
	}
	if a.Status, err = strconv.Atoi(f[logStatus]); err != nil {
		return a, false, errLine
	}
	if a.Bytes, err = strconv.ParseInt(f[logBytes], 10, 64); err != nil && f[logBytes] != "-" {
		return a, false, errLine
	}
	key, err := url.PathUnescape(f[logKey])
	if err != nil || !requestName(a.RequestID) {
		return a, false, errLine
	}
	var inside bool
	a.Key, inside = strings.CutPrefix(key, b.cfg.Prefix)
	a.Link = linkIn(f[logTarget])
	return a, inside && a.Link != "" && signed(f[logRequester], line), nil
}

// linkIn is the link that the target of a request names; "" when it names none,
// or more than one.
func linkIn(target string) string {
	_, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err != nil || len(values[LinkParameter]) != 1 {
		return ""
	}
	return values.Get(LinkParameter)
}

// signed reports whether the request was authenticated by its URL. The field
// that says so comes after the user agent, which may hold anything: it is
// counted from the end of that. A line from before 2019 has none.
func signed(requester, line string) bool {
	if requester == "-" || requester == "Anonymous" {
		return false
	}
	last := strings.Fields(line[strings.LastIndex(line, `" `)+1:])
	const authentication = 4 // version id, host id, signature version, cipher suite
	return len(last) <= authentication || last[authentication] == "QueryString"
}

// requestName reports whether s can be the store's name for a request.
func requestName(s string) bool {
	if len(s) < 4 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}
