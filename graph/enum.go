package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// unknownEnum finds a variable whose enum value is not spelled as the schema
// spells it, and names the field. The library compares without case there, and
// a value that it lets pass would reach a verb as the empty string.
func unknownEnum(schema *ast.Schema, op *ast.OperationDefinition, vars map[string]any) (string, bool) {
	for _, v := range op.VariableDefinitions {
		if name, ok := unknownIn(schema, v.Type, vars[v.Variable], v.Variable); ok {
			return name, true
		}
	}
	return "", false
}

func unknownIn(schema *ast.Schema, t *ast.Type, value any, name string) (string, bool) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if name, ok := unknownIn(schema, elem(t), item, name); ok {
				return name, true
			}
		}
	case map[string]any:
		def := schema.Types[t.Name()]
		for _, field := range def.Fields {
			if name, ok := unknownIn(schema, field.Type, value[field.Name], field.Name); ok {
				return name, true
			}
		}
	case string:
		def := schema.Types[t.Name()]
		if def.Kind == ast.Enum && def.EnumValues.ForName(value) == nil {
			return name, true
		}
	}
	return "", false
}

// elem is the type of a list's items; a single value stands for a list of one.
func elem(t *ast.Type) *ast.Type {
	if t.Elem != nil {
		return t.Elem
	}
	return t
}
