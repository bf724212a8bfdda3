package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// variablePath begins gqlparser's paths of variables.
const variablePath = "variable"

// rewordLibrary is a coded error in words that repeat no value: gqlparser
// quotes what it did not like, which may be a patient's data.
func rewordLibrary(err *gqlerror.Error) *gqlerror.Error {
	code, _ := err.Extensions["code"].(string)
	switch {
	case strings.HasPrefix(err.Message, "exceeded "): // token limit, nesting
		return refusal(codeLimit, "the query is too long or nested too deeply")
	case code == errcode.ParseFailed:
		return refusal(code, rewordSyntax(err.Message))
	case code != errcode.ValidationFailed:
		out := refusal(code, err.Message) // our own
		if field, ok := err.Extensions["field"]; ok {
			out.Extensions["field"] = field
		}
		return out
	case len(err.Path) > 0 && err.Path[0] == ast.PathName(variablePath):
		return refusalOf(lastName(err.Path), rewordVariable(err.Message))
	case strings.HasPrefix(err.Message, "operation "): // "... not found", with the name as it was sent
		return refusal(code, "the document has no operation of that name")
	}
	return refusal(code, rewordValue(err.Message))
}

// rewordSyntax keeps messages that speak of kinds of tokens only; the error's
// location says where.
func rewordSyntax(message string) string {
	if strings.ContainsAny(message, "\"'\\") {
		return "the document is not valid GraphQL"
	}
	return message
}

// rewordVariable keeps the constant messages.
func rewordVariable(message string) string {
	switch message {
	case "must be defined", "cannot be null", "unknown field":
		return message
	}
	return "is not a value of its type"
}

// rewordValue cuts the value out of a validation message.
func rewordValue(message string) string {
	for _, before := range []string{", found ", " value: "} {
		if i := strings.Index(message, before); i >= 0 {
			return message[:i] + strings.TrimRight(strings.TrimSuffix(before, "found "), ": ,")
		}
	}
	if i := strings.Index(message, `" does not exist in "`); i >= 0 && strings.HasPrefix(message, `Value "`) {
		return "Value" + message[i+1:]
	}
	return message
}
