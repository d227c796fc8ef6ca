package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// WriteJSON writes {"zone","columns":[{"key","label"}],"rows":[{key:value}]}.
// Texts are as they are, numbers are numbers, times are RFC 3339 in UTC to the
// second, and empty cells are null. zone is where the table's CSV shows its
// times.
func (t Table) WriteJSON(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(`{"zone":`)
	if err := writeValue(b, t.zone().String()); err != nil {
		return err
	}
	_, _ = b.WriteString(`,"columns":[`)
	names := make([][]byte, len(t.Columns))
	for i, c := range t.Columns {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		column := struct {
			Key   string `json:"key"`
			Label string `json:"label"`
		}{c.Key, c.Label}
		if err := writeValue(b, column); err != nil {
			return err
		}
		name, err := json.Marshal(c.Key)
		if err != nil {
			return err
		}
		names[i] = name
	}
	_, _ = b.WriteString(`],"rows":[`)
	for i, row := range t.Rows {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_, _ = b.WriteString("\n{")
		for j, cell := range row {
			if j > 0 {
				_ = b.WriteByte(',')
			}
			_, _ = b.Write(names[j])
			_ = b.WriteByte(':')
			if at, ok := cell.(time.Time); ok {
				cell = nil
				if !at.IsZero() {
					cell = at.UTC().Format(time.RFC3339)
				}
			}
			if err := writeValue(b, cell); err != nil {
				return fmt.Errorf("row %d of table %s: column %s: %w", i, t.Name, t.Columns[j].Key, err)
			}
		}
		_ = b.WriteByte('}')
	}
	_, _ = b.WriteString("]}\n")
	return b.Flush()
}

func writeValue(b *bufio.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = b.Write(raw)
	return err
}
