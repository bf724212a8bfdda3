package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Variable documents one variable of the environment.
type Variable struct {
	Name    string
	Default string // "" when there is none
	Group   string
	Help    string
	Secret  bool
}

// Variables lists every variable of [Config] in the order of its fields.
func Variables() []Variable {
	t := reflect.TypeFor[Config]()
	out := make([]Variable, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		out = append(out, Variable{
			Name:    f.Tag.Get("env"),
			Default: f.Tag.Get("envDefault"),
			Group:   f.Tag.Get("for"),
			Help:    f.Tag.Get("help"),
			Secret:  f.Type == reflect.TypeFor[Secret](),
		})
	}
	return out
}

// Help is the documentation of all variables as a terminal shows it.
func Help() string {
	var b strings.Builder
	group := ""
	for _, v := range Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n  %s\n", group)
		}
		fmt.Fprintf(&b, "    %-29s %s", v.Name, v.Help)
		if v.Default != "" {
			fmt.Fprintf(&b, " (default %s)", v.Default)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
