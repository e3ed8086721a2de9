// health says of the Kubernetes objects on standard input, one JSON document a line, what GitOps tools think of them: first
// the status that Flux computes (kstatus), then what the Lua script named by the first argument gives in Argo CD's interpreter.
// One line of JSON for each object: {"kstatus": …, "kstatusMessage": …, "argo": …, "argoMessage": …}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubejson "k8s.io/apimachinery/pkg/util/json"
)

type verdict struct {
	Kstatus        string `json:"kstatus"`
	KstatusMessage string `json:"kstatusMessage"`
	Argo           string `json:"argo"`
	ArgoMessage    string `json:"argoMessage"`
}

func main() {
	if len(os.Args) != 2 {
		fail("usage: health script.lua < objects")
	}
	script, err := os.ReadFile(os.Args[1])
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		object := map[string]any{}
		// With whole numbers as such.
		check(kubejson.Unmarshal(lines.Bytes(), &object))
		computed, err := status.Compute(&unstructured.Unstructured{Object: object})
		check(err)
		argo, message := argoHealth(string(script), object)
		check(json.NewEncoder(os.Stdout).Encode(verdict{computed.Status.String(), computed.Message, argo, message}))
	}
	check(lines.Err())
}

// As Argo CD does it: the object is the global obj, the script returns a table with status and message; of the libraries
// it opens only these.
func argoHealth(script string, object map[string]any) (string, string) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		check(state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)))
	}
	state.SetGlobal("obj", toLua(state, object))
	check(state.DoString(script))
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		fail("the script returned no table")
	}
	return lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case int64:
		return lua.LNumber(typed)
	case float64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.NewTable()
		for _, item := range typed {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range typed {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "health: "+message)
	os.Exit(1)
}
