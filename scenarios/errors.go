package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing that is wrong in a file, and where. It prints as FILE:LINE:COLUMN: message.
type Error struct {
	Position
	Message string

	cause error // of an unreadable file: what the system said
}

// Error is FILE:LINE:COLUMN: message.
func (e Error) Error() string {
	if e.File == "" {
		return e.Message
	}
	return e.Position.String() + ": " + e.Message
}

// Unwrap gives the reason why a file could not be read, for errors.Is with fs.ErrNotExist and the like.
func (e Error) Unwrap() error { return e.cause }

// Errors is everything that is wrong with a scenario, in the order of its files and lines: the scenario's own first,
// then its base's and its zones'. What Load and its like return is always of this type.
type Errors []Error

// Error has one error a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each of the errors.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}

// Warning is something that is allowed and is probably a mistake.
type Warning struct {
	Position
	Message string
}

// String is FILE:LINE:COLUMN: warning: message.
func (w Warning) String() string { return w.Position.String() + ": warning: " + w.Message }

// String is FILE:LINE:COLUMN. A column or a line that is not known (0) is left out.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// problems collects errors and warnings while a scenario is read.
type problems struct {
	errors   Errors
	warnings []Warning
	files    []string // in the order in which they were opened
}

func (p *problems) errorf(at Position, format string, args ...any) {
	p.errors = append(p.errors, Error{Position: at, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) warnf(at Position, format string, args ...any) {
	p.warnings = append(p.warnings, Warning{Position: at, Message: fmt.Sprintf(format, args...)})
}

// sorted puts the errors and the warnings in the order of the files, and tells each once.
func (p *problems) sorted() (Errors, []Warning) {
	slices.SortStableFunc(p.errors, func(a, b Error) int { return p.compare(a.Position, b.Position) })
	slices.SortStableFunc(p.warnings, func(a, b Warning) int { return p.compare(a.Position, b.Position) })
	p.errors = slices.CompactFunc(p.errors, func(a, b Error) bool {
		return a.Position == b.Position && a.Message == b.Message
	})
	return p.errors, slices.Compact(p.warnings)
}

func (p *problems) compare(a, b Position) int {
	return cmp.Or(
		cmp.Compare(p.order(a.File), p.order(b.File)),
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
	)
}

// order is a file's place in the order of opening; files that others include come last.
func (p *problems) order(file string) int {
	if i := slices.Index(p.files, file); i >= 0 {
		return i
	}
	return len(p.files)
}
