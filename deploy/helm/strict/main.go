// Reads Kubernetes objects from its standard input, as helm template writes them, and decodes each strictly: a member
// that its kind does not have, or one that stands twice, is a fault. It asks no cluster. Prints the kinds and names.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	objects, err := decodeAll(os.Stdin)
	for _, object := range objects {
		fmt.Println(object)
	}
	if err == nil && len(objects) == 0 {
		err = errors.New("there are no objects")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func decodeAll(input io.Reader) ([]string, error) {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(input))
	var objects []string
	var faults []error
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, errors.Join(faults...)
		}
		if err != nil {
			return objects, err
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		accessor, err := meta.Accessor(object)
		if err != nil {
			return objects, err
		}
		objects = append(objects, kind.Kind+"/"+accessor.GetName())
	}
}
