package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A node of a graph with its attributes read by name and type.
 *
 * @param file where it stands
 * @param name its name, or one made up if it has none
 * @param position its place in the graph's list
 * @param proto as stored
 */
record GraphNode(Path file, String name, int position, NodeProto proto) {
  /** The operator; with its domain unless that is ONNX's own. */
  String operator() {
    String domain = proto.getDomain();
    return domain.isEmpty() || domain.equals("ai.onnx")
        ? proto.getOpType()
        : domain + "." + proto.getOpType();
  }

  /** Name of input {@code i}; empty if it is left out. */
  String input(int i) {
    return i < proto.getInputCount() ? proto.getInput(i) : "";
  }

  /** Name of output {@code i}; empty if it is left out. */
  String output(int i) {
    return i < proto.getOutputCount() ? proto.getOutput(i) : "";
  }

  /** Refuses attributes that nothing would read. */
  void requireAttributes(String... known) {
    Set<String> supported = new TreeSet<>(List.of(known));
    for (AttributeProto attribute : proto.getAttributeList()) {
      if (!supported.contains(attribute.getName())) {
        throw unsupported(
            "attribute %s is not supported; supported are %s"
                .formatted(attribute.getName(), supported));
      }
    }
  }

  boolean has(String attribute) {
    return find(attribute).isPresent();
  }

  long integer(String attribute, long otherwise) {
    return typed(attribute, AttributeType.INT).map(AttributeProto::getI).orElse(otherwise);
  }

  /** An attribute that is 0 or 1; 0 if it is absent. */
  boolean flag(String attribute) {
    long value = integer(attribute, 0);
    if (value != 0 && value != 1) {
      throw malformed("attribute %s is %d, expected 0 or 1".formatted(attribute, value));
    }
    return value == 1;
  }

  float number(String attribute, float otherwise) {
    return typed(attribute, AttributeType.FLOAT).map(AttributeProto::getF).orElse(otherwise);
  }

  List<Float> numbers(String attribute) {
    return typed(attribute, AttributeType.FLOATS)
        .map(AttributeProto::getFloatsList)
        .orElse(List.of());
  }

  Optional<long[]> integers(String attribute) {
    return typed(attribute, AttributeType.INTS)
        .map(a -> a.getIntsList().stream().mapToLong(Long::longValue).toArray());
  }

  String text(String attribute, String otherwise) {
    return typed(attribute, AttributeType.STRING)
        .map(a -> a.getS().toStringUtf8())
        .orElse(otherwise);
  }

  Optional<List<String>> texts(String attribute) {
    return typed(attribute, AttributeType.STRINGS)
        .map(a -> a.getStringsList().stream().map(ByteString::toStringUtf8).toList());
  }

  Optional<TensorProto> tensor(String attribute) {
    return typed(attribute, AttributeType.TENSOR).map(AttributeProto::getT);
  }

  private Optional<AttributeProto> typed(String attribute, AttributeType type) {
    Optional<AttributeProto> found = find(attribute);
    found.ifPresent(a -> {
      if (a.getType() != type) {
        throw malformed(
            "attribute %s is of type %s, expected %s".formatted(attribute, a.getType(), type));
      }
    });
    return found;
  }

  private Optional<AttributeProto> find(String attribute) {
    return proto.getAttributeList().stream().filter(a -> a.getName().equals(attribute)).findFirst();
  }

  OnnxFormatException malformed(String problem) {
    return new OnnxFormatException(file, this + ": " + problem);
  }

  UnsupportedOnnxException unsupported(String problem) {
    return new UnsupportedOnnxException(file, this + ": " + problem);
  }

  /** For messages. */
  @Override
  public String toString() {
    return "node \"%s\" (%s)".formatted(name, operator());
  }
}
