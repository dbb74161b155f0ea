package scenarios

// mark is where one thing of a TOML file stands: a table with its keys, an array with its elements, or a plain value.
// BurntSushi/toml knows what the values are but not where; the marks know where and nothing else. A file's marks have
// the shape of its decoded value: a table of marks where there is a map, an array of marks where there is a slice.
type mark struct {
	name  string // of a table's entry
	key   int    // offset of the key, or of the header that made the table; -1 for an array's element
	value int    // offset of the value

	shape   shape
	entries []*mark // a table's, in the order of the file; an array's elements
	byName  map[string]*mark
}

type shape uint8

const (
	plain shape = iota
	table
	array
)

func newTable(name string, key, value int) *mark {
	return &mark{name: name, key: key, value: value, shape: table}
}

// child gives a table's entry.
func (m *mark) child(name string) *mark {
	if m.byName != nil {
		return m.byName[name]
	}
	for _, e := range m.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// put adds an entry; one that is there already makes way.
func (m *mark) put(e *mark) {
	if old := m.child(e.name); old != nil {
		*old = *e
		return
	}
	m.entries = append(m.entries, e)
	const few = 8 // up to here looking is faster than hashing
	switch {
	case m.byName != nil:
		m.byName[e.name] = e
	case len(m.entries) > few:
		m.byName = make(map[string]*mark, 2*few)
		for _, e := range m.entries {
			m.byName[e.name] = e
		}
	}
}

// open gives the table of that name to put keys into, and makes it when there is none. For an array of tables that is
// its last element.
func (m *mark) open(name string, key int) *mark {
	c := m.child(name)
	if c != nil && c.shape == array && len(c.entries) > 0 {
		c = c.entries[len(c.entries)-1]
	}
	if c == nil || c.shape != table {
		c = newTable(name, key, key)
		m.put(c)
		c = m.child(name)
	}
	return c
}
