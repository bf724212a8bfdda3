package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/bonfiredb/bonfire/blob"
)

// lifecycle looks at what the bucket does with objects by itself: what it
// deletes or archives is lost to the clinic, whatever its records say.
func (e *examination) lifecycle(ctx context.Context, bucket *blob.Bucket) {
	rules, err := bucket.Lifecycle(ctx)
	if err == nil && !rules.Known {
		e.note("lifecycle of the bucket", "cannot be seen from here (s3:GetLifecycleConfiguration); no rule may delete objects, or archive them")
		return
	}
	e.tell("lifecycle of the bucket", e.lifecycleProblem(rules, err), "limit the rules to other prefixes, or remove them; Bonfire deletes what is to go by itself (docs/files.md)")
	if err == nil && rules.Aborts == 0 {
		e.note("lifecycle of the bucket", "nothing ends incomplete multipart uploads that Bonfire lost sight of; bonfire fsck finds them, or add a rule with more days than BONFIRE_UPLOAD_TTL")
	}
}

func (e *examination) lifecycleProblem(rules blob.Lifecycle, err error) error {
	var words []string
	if len(rules.Expires) > 0 {
		words = append(words, fmt.Sprintf("rules delete patients' files: %q", rules.Expires))
	}
	if len(rules.Archives) > 0 {
		words = append(words, fmt.Sprintf("rules put patients' files where they cannot be read at once: %q", rules.Archives))
	}
	if ttl := e.cfg.UploadTTL; rules.Aborts > 0 && rules.Aborts <= ttl {
		words = append(words, fmt.Sprintf("a rule ends uploads after %s, and BONFIRE_UPLOAD_TTL lets them go on for %s", rules.Aborts, ttl))
	}
	if err != nil || len(words) == 0 {
		return err
	}
	return errors.New(strings.Join(words, "; "))
}

// webhook asks whether anything answers where events are sent, without telling it of one.
func (e *examination) webhook(ctx context.Context) {
	if e.cfg.WebhookURL == "" {
		return
	}
	resp, err := look(ctx, http.MethodHead, e.cfg.WebhookURL, nil)
	if err == nil && resp.StatusCode/100 == 3 {
		err = errors.New("it redirects, and redirects are not followed")
	}
	e.tell("webhook", err, "BONFIRE_WEBHOOK_URL must be reachable from here, with a certificate that is trusted here, and answer itself")
}
