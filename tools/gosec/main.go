// Command gosec runs gosec's rules over the packages below a directory.
// It is gosec's own command without the parts that ask services on the
// network, which would bring forty modules more, and it fails too when a
// finding is waved through (#nosec) without a reason.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gosec:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("name the directory")
	}
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	packages, err := gosec.PackagePaths("./...", gosec.ExcludedDirsRegExp([]string{"tools"}))
	if err != nil {
		return err
	}
	const tests, generated, suppressions = false, false, true
	analyzer := gosec.NewAnalyzer(gosec.NewConfig(), tests, generated, suppressions, runtime.NumCPU(), log.New(io.Discard, "", 0))
	analyzer.LoadRules(rules.Generate(suppressions).RulesInfo())
	analyzer.LoadAnalyzers(analyzers.Generate(suppressions).AnalyzersInfo())
	if err := analyzer.Process(nil, packages...); err != nil {
		return err
	}
	found, metrics, unread := analyzer.Report()
	for file, errs := range unread {
		return fmt.Errorf("%s was not understood: %v", file, errs)
	}
	if metrics.NumFiles < 50 {
		return fmt.Errorf("only %d files were read", metrics.NumFiles)
	}
	bad := 0
	for _, i := range found {
		why, explained := reason(i)
		if explained && why != "" {
			continue
		}
		bad++
		file, err := filepath.Rel(dir, i.File)
		if err != nil {
			file = i.File
		}
		if explained {
			fmt.Fprintf(out, "%s:%s: %s is waved through without a reason\n", file, i.Line, i.RuleID)
		} else {
			fmt.Fprintf(out, "%s:%s: %s %s\n", file, i.Line, i.RuleID, i.What)
		}
	}
	fmt.Fprintf(out, "gosec: %d files, %d findings explained, %d not\n", metrics.NumFiles, len(found)-bad, bad)
	if bad > 0 {
		return fmt.Errorf("mend them, or explain them: #nosec G123 -- why")
	}
	return nil
}

// reason returns why a finding is waved through.
func reason(i *issue.Issue) (why string, explained bool) {
	for _, s := range i.Suppressions {
		return s.Justification, true
	}
	return "", i.NoSec
}
