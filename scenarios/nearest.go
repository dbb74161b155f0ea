package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// nearest is the valid name that somebody who wrote s most probably meant, or "" when none is like it.
func nearest(s string, valid []string) string {
	const longest = 255 // a text longer than any name is no misspelt name
	if s == "" || len(s) > longest {
		return ""
	}
	best, bestDistance := "", 0
	for _, v := range valid {
		most := max(1, min(len(s), len(v))/3)
		if d := distance(strings.ToLower(s), strings.ToLower(v), most); d <= most && (best == "" || d < bestDistance) {
			best, bestDistance = v, d
		}
	}
	if best != "" {
		return best
	}
	// Half a name, such as resolver for resolver-a, is far in letters and near in meaning.
	for _, v := range valid {
		if len(s) >= 3 && (strings.HasPrefix(v, s) || strings.HasSuffix(v, s)) {
			return v
		}
	}
	return ""
}

// distance counts the letters to insert, delete, change or swap with their neighbour to make b of a (the optimal
// string alignment distance). It stops counting above most.
func distance(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// suggest ends a message about a name that is not among the valid ones: with the one that was probably meant, else
// with all of them.
func suggest(s string, valid []string) string {
	valid = slices.Clone(valid)
	slices.Sort(valid)
	valid = slices.Compact(valid)
	if n := nearest(s, valid); n != "" {
		return "; did you mean " + strconv.Quote(n) + "?"
	}
	if len(valid) == 0 {
		return ""
	}
	return "; expected " + oneOf(valid)
}

// oneOf lists names: "a", "a or b", "a, b or c". Of very many it lists the first.
func oneOf(names []string) string {
	const most = 24
	if len(names) > most {
		return fmt.Sprintf("one of %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	if len(names) <= 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// DidYouMean is the end of a message about a name that is not among the valid ones: the one that was probably meant,
// or nothing.
func DidYouMean(s string, valid []string) string {
	if n := nearest(s, valid); n != "" {
		return "; did you mean " + strconv.Quote(n) + "?"
	}
	return ""
}
