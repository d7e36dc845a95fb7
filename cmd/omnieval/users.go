package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/robot"
)

func init() {
	register("users", command{about: "list the robot users, their options and the eligibility masks", setup: setupUsers})
}

func setupUsers(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	asJSON := f.Bool("json", false, "print a JSON list")
	return func(_ context.Context, s *streams, args []string) error {
		if len(args) > 0 {
			return usagef("takes no arguments")
		}
		if *asJSON {
			return usersJSON(s)
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, n := range robot.Names() {
			about, options := robot.About(n)
			fmt.Fprintf(w, "%s\t%s\t%s\n", n, about, strings.Join(options, " "))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "\noptions:     kind:component:style?option=value&option=value\n"+
			"eligibility: user@mask, mask one of %s, or an expression over I, L, Y\n"+
			"             such as \"I > pct(99.75) & !L\" or \"dilate(L, 10) - L\"\n", strings.Join(robot.EligibilityNames(), " "))
		return err
	}
}

func usersJSON(s *streams) error {
	type user struct {
		Name    string   `json:"name"`
		About   string   `json:"about"`
		Options []string `json:"options"`
	}
	var list []user
	for _, n := range robot.Names() {
		about, options := robot.About(n)
		list = append(list, user{n, about, append([]string{}, options...)})
	}
	return printJSON(s.out, list)
}

func printJSON(w interface{ Write([]byte) (int, error) }, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
