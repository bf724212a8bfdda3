package access_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// answer is what came back, as far as a caller can tell one answer from another.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	// verdict is what the answer says about access where its codes do not; "" leaves it to them.
	verdict string

	Data   map[string]json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct{ Code, Field string }
	}
}

// word is what the answer says about access.
func (a answer) word() string {
	switch {
	case a.verdict != "":
		return a.verdict
	case len(a.Errors) > 0:
		return wordOf(a.Errors[0].Extensions.Code)
	case a.status == http.StatusForbidden:
		return no
	case a.status == http.StatusNotFound:
		return hidden
	case a.status < 400:
		return yes
	}
	return http.StatusText(a.status)
}

// listed judges a list: what is not in it is absent, whichever word that deserves.
func (a answer) listed(id string, absent string) answer {
	if a.word() == yes && !strings.Contains(a.body, id) {
		a.verdict = absent
	}
	return a
}

// The words of the matrix.
const (
	yes    = "yes"
	no     = "no"      // FORBIDDEN: they may know of it
	hidden = "hidden"  // NOT_FOUND, or not in the list
	empty  = "nothing" // answered, and what it is about is not in the answer
	notYet = "not yet" // NOT_IMPLEMENTED
)

func wordOf(code string) string {
	switch code {
	case "FORBIDDEN":
		return no
	case "NOT_FOUND":
		return hidden
	case "NOT_IMPLEMENTED":
		return notYet
	}
	return code
}

// client follows no redirects: a redirect is an answer.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send makes a request; headers are name, value, name, value.
func (w *world) send(method, path, body string, header ...string) answer {
	w.Helper()
	if strings.HasPrefix(path, "/") {
		path = w.url + path
	}
	req, err := http.NewRequestWithContext(w.Context(), method, path, strings.NewReader(body))
	w.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	resp, err := client.Do(req)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text), took: time.Since(began)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		w.must(json.Unmarshal(text, &a))
	}
	return a
}

// ask runs a GraphQL operation as a principal.
func (w *world) ask(p principal, query string, vars map[string]any, header ...string) answer {
	w.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	w.must(err)
	return w.send(http.MethodPost, "/graphql", string(body),
		append([]string{"Content-Type", "application/json", "Authorization", "Bearer " + p.token}, header...)...)
}

// listen runs a subscription over Server-Sent Events, until the first event or
// for a moment: a stream that stays open, silent, is one that was let in.
func (w *world) listen(p principal, query string, vars map[string]any) answer {
	w.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	w.must(err)
	ctx, stop := context.WithTimeout(w.Context(), 400*time.Millisecond)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", bytes.NewReader(body))
	w.must(err)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + p.token,
	} {
		req.Header.Set(name, value)
	}
	began := time.Now()
	resp, err := client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return answer{status: http.StatusOK}
	}
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "" {
			a.body, a.took = data, time.Since(began)
			w.must(json.Unmarshal([]byte(data), &a))
			break
		}
	}
	return a
}

var (
	variable = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	instant  = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)
)

// look is all of an answer that may not differ between what is hidden and what
// does not exist: status, headers and body but for the ids of requests, which
// are as long as each other, and the time of day.
func (a answer) look() string {
	var s strings.Builder
	_, _ = s.WriteString(http.StatusText(a.status) + "\n")
	var names []string
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// An instant takes as many digits as it needs.
		if name != "Date" && (name != "Content-Length" || !instant.MatchString(a.body)) {
			_, _ = s.WriteString(name + ": " + strings.Join(a.header[name], ", ") + "\n")
		}
	}
	return variable.ReplaceAllString(s.String()+instant.ReplaceAllString(a.body, `"INSTANT"`), "ID")
}
