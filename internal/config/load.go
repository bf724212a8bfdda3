package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Load reads the configuration from environ ("NAME=value" lines, as os.Environ
// gives them) and checks every value that is there. An empty value counts as
// unset. The error lists all that is wrong, a line for each variable.
//
// Load does not ask for what a server needs to start: that is [Config.ReadyToServe].
func Load(environ []string) (Config, error) {
	vars := Vars(environ)
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars}); err != nil {
		return Config{}, named(err)
	}
	if c.S3Region == "" {
		c.S3Region = vars["AWS_REGION"]
	}
	if c.S3Region == "" {
		c.S3Region = vars["AWS_DEFAULT_REGION"]
	}
	if err := c.check(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Vars is environ as a map: of a name that comes twice the last value counts,
// and names without a value are left out.
func Vars(environ []string) map[string]string {
	vars := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if delete(vars, name); value != "" {
			vars[name] = value
		}
	}
	return vars
}

// otherVars are read by commands that talk to a server and by the embedded stack.
var otherVars = []string{"BONFIRE_TOKEN", "BONFIRE_PG_BINDIR"}

// Unknown lists the BONFIRE_* names in environ that nothing reads, sorted: a
// misspelt variable is otherwise silent.
func Unknown(environ []string) []string {
	known := slices.Clone(otherVars)
	for _, v := range Variables() {
		known = append(known, v.Name)
	}
	var out []string
	for name := range maps.Keys(Vars(environ)) {
		if strings.HasPrefix(name, "BONFIRE_") && !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// named says for each value that could not be read which variable it is and
// how it is written. The value itself stays out: it may be a secret.
func named(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var out []error
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			out = append(out, e)
			continue
		}
		name := parse.Name
		if f, ok := reflect.TypeFor[Config]().FieldByName(parse.Name); ok {
			name = f.Tag.Get("env")
		}
		out = append(out, fmt.Errorf("%s: %s", name, howToWrite(parse.Type)))
	}
	return errors.Join(out...)
}

func howToWrite(t reflect.Type) string {
	switch t.String() {
	case "time.Duration":
		return "not a duration; write it like 300s, 5m or 168h"
	case "config.Size":
		return "not a size; write it like 8MiB, 512KiB or as a number of bytes"
	case "config.SHA1":
		return "write small, all or off"
	case "slog.Level":
		return "write DEBUG, INFO, WARN or ERROR"
	case "bool", "*bool":
		return "write true or false"
	}
	return "not a value of type " + t.String()
}
