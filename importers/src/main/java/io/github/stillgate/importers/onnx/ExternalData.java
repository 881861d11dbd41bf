package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.github.stillgate.core.weights.RegularFile;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Tensors whose values lie in a file beside the graph, as PyTorch writes them however small a model
 * is. Each such file is read once; tensors are views of it.
 */
final class ExternalData {
  private final Path model;
  private final Map<Path, ByteString> files = new HashMap<>();

  private ExternalData(Path model) {
    this.model = model;
  }

  /** The graph with all values in it, and the bytes that were read. */
  record Read(GraphProto graph, long bytes) {}

  /**
   * Reads them.
   *
   * @param model the file of the graph, in whose folder the others are
   * @throws OnnxFormatException if a tensor names no such file, or a place outside of it
   */
  static Read of(Path model, GraphProto graph) {
    ExternalData data = new ExternalData(model);
    GraphProto whole = data.whole(graph);
    return new Read(whole, data.files.values().stream().mapToLong(ByteString::size).sum());
  }

  private GraphProto whole(GraphProto graph) {
    if (!hasAny(graph)) {
      return graph;
    }
    GraphProto.Builder whole = graph.toBuilder();
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      if (isExternal(graph.getInitializer(i))) {
        whole.setInitializer(i, whole(graph.getInitializer(i)));
      }
    }
    for (int i = 0; i < graph.getNodeCount(); i++) {
      NodeProto node = graph.getNode(i);
      for (int k = 0; k < node.getAttributeCount(); k++) {
        AttributeProto attribute = node.getAttribute(k);
        if (attribute.hasG()) {
          whole.getNodeBuilder(i).getAttributeBuilder(k).setG(whole(attribute.getG()));
        } else if (attribute.hasT() && isExternal(attribute.getT())) {
          whole.getNodeBuilder(i).getAttributeBuilder(k).setT(whole(attribute.getT()));
        }
      }
    }
    return whole.build();
  }

  private static boolean hasAny(GraphProto graph) {
    return graph.getInitializerList().stream().anyMatch(ExternalData::isExternal)
        || graph.getNodeList().stream()
            .flatMap(node -> node.getAttributeList().stream())
            .anyMatch(attribute ->
                attribute.hasT() && isExternal(attribute.getT())
                    || attribute.hasG() && hasAny(attribute.getG()));
  }

  private static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  private TensorProto whole(TensorProto tensor) {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    String location = entries.getOrDefault("location", "");
    ByteString file = files.computeIfAbsent(path(tensor, location), path -> read(tensor, path));
    long offset = number(tensor, entries, "offset", 0);
    long length = number(tensor, entries, "length", file.size() - offset);
    if (offset > file.size() || length > file.size() - offset) {
      throw malformed(
          tensor,
          "has %d bytes from %d on in \"%s\", which has %d; copy that file again"
              .formatted(length, offset, location, file.size()));
    }
    return tensor.toBuilder()
        .clearExternalData()
        .clearDataLocation()
        .setRawData(file.substring((int) offset, (int) (offset + length)))
        .build();
  }

  private Path path(TensorProto tensor, String location) {
    Path named;
    try {
      named = Path.of(location);
    } catch (InvalidPathException e) {
      throw malformed(tensor, "has its values in \"%s\", which is no path".formatted(location));
    }
    boolean inside = !location.isEmpty() && !named.isAbsolute() && named.getRoot() == null;
    for (Path part : named) {
      inside &= !part.toString().equals("..");
    }
    // As Windows writes it: a path there is a name here.
    if (!inside || location.contains("\\")) {
      throw malformed(
          tensor,
          "has its values in \"%s\" (external data); supported are files beside the model, named"
                  .formatted(location)
              + " relative to its folder and without \"..\"");
    }
    Path folder = model.toAbsolutePath().getParent();
    return folder == null ? named : folder.resolve(named);
  }

  private ByteString read(TensorProto tensor, Path path) {
    try {
      Path real = path.toRealPath();
      Path folder = model.toAbsolutePath().getParent();
      if (folder != null && !real.startsWith(folder.toRealPath())) {
        throw malformed(
            tensor,
            "has its values in %s, a link that leads out of the model's folder; put the file there"
                .formatted(path));
      }
      return UnsafeByteOperations.unsafeWrap(RegularFile.read(real));
    } catch (IOException e) {
      String problem =
          e instanceof NoSuchFileException
              ? path + ", which is not there"
              : "which cannot be read (%s)".formatted(e.getMessage());
      throw new OnnxFormatException(
          model,
          "%s has its values in another file (external data), %s; put it"
                  .formatted(name(tensor), problem)
              + " beside the model, or save the model in one file: onnx.save_model(model, path,"
              + " save_as_external_data=False), or external_data=False in torch.onnx.export",
          e);
    }
  }

  private long number(TensorProto tensor, Map<String, String> entries, String key, long otherwise) {
    String text = entries.get(key);
    if (text == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw malformed(
        tensor,
        "says %s \"%s\" of its external data, expected a number from 0 on".formatted(key, text));
  }

  private static String name(TensorProto tensor) {
    return "tensor \"%s\"".formatted(tensor.getName());
  }

  private OnnxFormatException malformed(TensorProto tensor, String problem) {
    return new OnnxFormatException(model, name(tensor) + " " + problem);
  }
}
