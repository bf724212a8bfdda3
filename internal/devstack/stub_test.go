package devstack_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A release image is built with the tag nodevstack and carries no S3 server.
func TestTagLeavesTheGatewayOut(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	deps := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", append(append([]string{"list", "-deps"}, args...), ".")...).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		return string(out)
	}
	const gateway = "github.com/versity/versitygw"
	if !strings.Contains(deps(), gateway) {
		t.Fatal("the gateway is not even there without the tag; this test proves nothing")
	}
	if strings.Contains(deps("-tags", "nodevstack"), gateway) {
		t.Fatal("the gateway is linked in spite of the tag")
	}
}
