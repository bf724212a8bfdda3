package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

var (
	errNoPredicate  = errors.New("store: a predicate that has no SQL")
	errBadAttribute = errors.New("store: an attribute or value the predicate may not have")
)

// fragment is a piece of SQL with bun's placeholders. Its text is made of the
// constants in this file; every value is an argument.
type fragment struct {
	sql  string
	args []any
}

// translator turns predicates on resources of one type into SQL.
type translator struct {
	columns    map[string]string
	attributes []policy.Attribute
}

// translate is the WHERE of a predicate on resources of type t. SQL's logic has
// the predicate's three values, so each node has one form.
func translate(t policy.Type, p policy.Predicate) (fragment, error) {
	return translator{columns: columns[t], attributes: policy.Attributes(t)}.predicate(p)
}

func (t translator) predicate(p policy.Predicate) (fragment, error) {
	switch p := p.(type) {
	case policy.True:
		return fragment{sql: "TRUE"}, nil
	case policy.False:
		return fragment{sql: "FALSE"}, nil
	case policy.And:
		return t.combine("(", " AND ", ")", p...)
	case policy.Or:
		return t.combine("(", " OR ", ")", p...)
	case policy.Not:
		return t.combine("NOT (", "", ")", p.Of)
	case policy.IsFalse:
		return t.combine("((", "", ") IS FALSE)", p.Of)
	case policy.If:
		return t.choice(p)
	case policy.Compare:
		return t.compare(p)
	case policy.CompareAttrs:
		return t.compareAttrs(p)
	case policy.OneOf:
		return t.among(p)
	case policy.InGroup:
		return t.inGroup(p)
	}
	return t.about(p)
}

// about translates the conditions on one attribute alone.
func (t translator) about(p policy.Predicate) (fragment, error) {
	switch p := p.(type) {
	case policy.Has:
		c, _, err := t.column(p.Attr)
		return fragment{sql: c + " IS NOT NULL"}, err
	case policy.SetContains:
		return t.set(p.Attr, "%s @> ?::text[]", []string{p.Value})
	case policy.ContainsAny:
		return t.set(p.Attr, "%s && ?::text[]", p.Values)
	case policy.ContainsAll:
		return t.set(p.Attr, "%s @> ?::text[]", p.Values)
	case policy.SubsetOf:
		return t.set(p.Attr, "%s <@ ?::text[]", p.Values)
	case policy.IsEmpty:
		c, _, err := t.column(p.Attr, policy.KindTextSet)
		return fragment{sql: "cardinality(" + c + ") = 0"}, err
	}
	return fragment{}, fmt.Errorf("%w: %T", errNoPredicate, p)
}

// column is where an attribute is kept and what it is; it must be of one of the
// kinds, if any are given.
func (t translator) column(name string, kinds ...policy.AttributeKind) (string, policy.Attribute, error) {
	for _, a := range t.attributes {
		if a.Name == name && t.columns[name] != "" && (len(kinds) == 0 || slices.Contains(kinds, a.Kind)) {
			return t.columns[name], a, nil
		}
	}
	return "", policy.Attribute{}, fmt.Errorf("%w: %q", errBadAttribute, name)
}

func (t translator) combine(open, between, end string, ps ...policy.Predicate) (fragment, error) {
	if len(ps) == 0 {
		return fragment{}, fmt.Errorf("%w: empty", errNoPredicate)
	}
	var out fragment
	texts := make([]string, len(ps))
	for i, p := range ps {
		f, err := t.predicate(p)
		if err != nil {
			return fragment{}, err
		}
		texts[i] = f.sql
		out.args = append(out.args, f.args...)
	}
	out.sql = open + strings.Join(texts, between) + end
	return out, nil
}

func (t translator) choice(p policy.If) (fragment, error) {
	var parts [3]fragment
	for i, branch := range []policy.Predicate{p.Cond, p.Then, p.Else} {
		var err error
		if parts[i], err = t.predicate(branch); err != nil {
			return fragment{}, err
		}
	}
	return fragment{
		sql:  "(CASE WHEN " + parts[0].sql + " THEN " + parts[1].sql + " ELSE " + parts[2].sql + " END)",
		args: slices.Concat(parts[0].args, parts[1].args, parts[2].args),
	}, nil
}

var operators = map[policy.Op]string{
	policy.Equal: "=", policy.NotEqual: "<>", policy.Less: "<", policy.LessOrEqual: "<=",
	policy.Greater: ">", policy.GreaterOrEqual: ">=",
}

// operator is the SQL of op; only integers and instants have an order.
func operator(op policy.Op, kind policy.AttributeKind) (string, error) {
	ordered := kind == policy.KindInt || kind == policy.KindTime
	if sql, ok := operators[op]; ok && kind != policy.KindTextSet && (ordered || op == policy.Equal || op == policy.NotEqual) {
		return sql, nil
	}
	return "", fmt.Errorf("%w: %q on %s", errBadAttribute, op, kind)
}

func (t translator) compare(p policy.Compare) (fragment, error) {
	c, a, err := t.column(p.Attr)
	if err != nil {
		return fragment{}, err
	}
	op, err := operator(p.Op, a.Kind)
	if err != nil {
		return fragment{}, err
	}
	if !fits(a.Kind, p.Value) {
		return fragment{}, fmt.Errorf("%w: %T against %q", errBadAttribute, p.Value, p.Attr)
	}
	return fragment{sql: c + " " + op + " ?::" + sqlTypes[a.Kind], args: []any{p.Value}}, nil
}

func (t translator) compareAttrs(p policy.CompareAttrs) (fragment, error) {
	left, a, err := t.column(p.Left)
	if err != nil {
		return fragment{}, err
	}
	right, _, err := t.column(p.Right, a.Kind)
	if err != nil {
		return fragment{}, err
	}
	op, err := operator(p.Op, a.Kind)
	return fragment{sql: left + " " + op + " " + right}, err
}

func (t translator) among(p policy.OneOf) (fragment, error) {
	c, a, err := t.column(p.Attr, policy.KindUUID, policy.KindText)
	if err != nil {
		return fragment{}, err
	}
	for _, v := range p.Values {
		if !fits(a.Kind, v) {
			return fragment{}, fmt.Errorf("%w: a value of %q", errBadAttribute, p.Attr)
		}
	}
	if len(p.Values) == 1 { // an index keeps its order behind =, and not behind ANY
		return fragment{sql: c + " = ?::" + sqlTypes[a.Kind], args: []any{p.Values[0]}}, nil
	}
	return fragment{sql: c + " = ANY(?::" + sqlTypes[a.Kind] + "[])", args: []any{pgdialect.Array(p.Values)}}, nil
}

func (t translator) set(attr, sql string, values []string) (fragment, error) {
	c, _, err := t.column(attr, policy.KindTextSet)
	return fragment{sql: fmt.Sprintf(sql, c), args: []any{pgdialect.Array(values)}}, err
}

// inGroup asks the patient's row. Where there may be no patient the answer is
// unknown then, as of every absent attribute, and not false.
func (t translator) inGroup(p policy.InGroup) (fragment, error) {
	c, a, err := t.column(p.Attr, policy.KindUUID)
	if err != nil {
		return fragment{}, err
	}
	sql := "EXISTS (SELECT FROM patient AS g WHERE g.tenant_id = " + t.columns["tenant"] + " AND g.id = " + c +
		" AND g.care_groups && ?::text[])"
	if a.Optional {
		sql = "(CASE WHEN " + c + " IS NOT NULL THEN " + sql + " END)"
	}
	return fragment{sql: sql, args: []any{pgdialect.Array(p.Groups)}}, nil
}

// sqlTypes are the types that values are written as. Integers are compared as
// bigint: Cedar's Long has 64 bits.
var sqlTypes = map[policy.AttributeKind]string{
	policy.KindUUID: "uuid", policy.KindText: "text", policy.KindInt: "bigint",
	policy.KindBool: "boolean", policy.KindTime: "timestamptz", policy.KindTextSet: "text[]",
}

// fits reports whether v is a value of the kind; of a uuid, a well-formed one.
func fits(kind policy.AttributeKind, v any) bool {
	switch v := v.(type) {
	case string:
		_, isUUID := clinical.ParseID[string](v)
		return kind == policy.KindText || kind == policy.KindUUID && isUUID
	case int64:
		return kind == policy.KindInt
	case bool:
		return kind == policy.KindBool
	case time.Time:
		return kind == policy.KindTime
	}
	return false
}
