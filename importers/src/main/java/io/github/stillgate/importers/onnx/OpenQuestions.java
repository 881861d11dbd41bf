package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a file leaves to whoever runs it, and a reader must know before: which branch an If takes,
 * settings that are single whole numbers, and sizes. Messages name each with the option that says
 * it.
 */
final class OpenQuestions {
  private static final Set<String> OF_SIZES = Set.of("Shape", "Size");

  private final Graph graph;
  private final Map<String, String> settings = new LinkedHashMap<>();
  private final Set<String> sizes = new LinkedHashSet<>();
  private final boolean decided;

  private OpenQuestions(Graph graph) {
    this.graph = graph;
    graph.nodes().stream()
        .filter(node -> node.operator().equals("If"))
        .forEach(node -> follow(node.input(0), "%s takes a branch by it".formatted(node)));
    for (GraphNode node : graph.nodes()) {
      for (String input : node.proto().getInputList()) {
        if (isSetting(graph.source(input))) {
          settings.putIfAbsent(graph.source(input), "%s reads it".formatted(node));
        }
      }
    }
    this.decided = settings.isEmpty() && sizes.isEmpty();
    for (String input : graph.inputs()) {
      if (isOpen(input)) {
        sizes.add(input);
      }
    }
  }

  /** Those of a graph. */
  static OpenQuestions of(Graph graph) {
    return new OpenQuestions(graph);
  }

  private boolean isOpen(String input) {
    return graph.isGiven(input)
        && graph.sizes(input).map(known -> !known.stream().allMatch(Extent::isKnown)).orElse(true);
  }

  /** Whether an input is one whole number or truth value without dimensions. */
  private boolean isSetting(String input) {
    Optional<Integer> rank = graph.sizes(input).map(List::size);
    return graph.isGiven(input)
        && rank.isPresent()
        && rank.get() == 0
        && switch (graph.inputType(input)) {
          case BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 -> true;
          default -> false;
        };
  }

  /** The inputs that a condition hangs on: by their values, or by their sizes. */
  private void follow(String condition, String why) {
    record Open(String value, boolean ofSizes) {}
    Deque<Open> open = new ArrayDeque<>(List.of(new Open(condition, false)));
    Set<Open> seen = new HashSet<>();
    while (!open.isEmpty()) {
      Open next = open.removeLast();
      String value = graph.source(next.value());
      if (!seen.add(next) || value.isEmpty()) {
        continue;
      }
      if (graph.isGiven(value)) {
        if (next.ofSizes() && isOpen(value)) {
          sizes.add(value);
        } else if (!next.ofSizes() && graph.inputType(value) != TensorProto.DataType.FLOAT) {
          settings.putIfAbsent(value, why);
        }
        continue;
      }
      graph
          .producer(value)
          .filter(_ -> graph.isComputed(value))
          .ifPresent(node -> {
            boolean ofSizes = next.ofSizes() || OF_SIZES.contains(node.operator());
            node.proto().getInputList().forEach(input -> open.add(new Open(input, ofSizes)));
          });
    }
  }

  /**
   * A refusal with the options to add. While an If is open they stand alone: what was found with it
   * in the way would mislead.
   */
  UnsupportedOnnxException with(UnsupportedOnnxException refusal) {
    return decided && sizes.isEmpty()
        ? refusal
        : new UnsupportedOnnxException(graph.file(), text(refusal));
  }

  /** The same of what does not fit, which it may with the true sizes. */
  RuntimeException with(OnnxFormatException refusal) {
    return decided && sizes.isEmpty()
        ? refusal
        : new UnsupportedOnnxException(graph.file(), text(refusal));
  }

  private String text(RuntimeException refusal) {
    String reason = String.valueOf(refusal.getMessage()).substring((graph.file() + ": ").length());
    List<String> parts = new ArrayList<>();
    if (decided) {
      parts.add(reason);
    }
    if (!settings.isEmpty()) {
      parts.add(
          "what it computes depends on settings among its inputs; add "
              + settings.entrySet().stream()
                  .map(each -> "--set %s=VALUE (%s)".formatted(each.getKey(), each.getValue()))
                  .collect(Collectors.joining(" and ")));
    }
    if (!sizes.isEmpty()) {
      parts.add(
          "the file leaves sizes of its inputs %s open; add %s with the sizes of one call; those of steps"
                  .formatted(
                      List.copyOf(sizes),
                      sizes.stream()
                          .map(input -> "--shape %s=%s".formatted(input, sizesOf(input)))
                          .collect(Collectors.joining(" ")))
              + " and batch may stay open, and in a graph that is called once a step an open size counts"
              + " as 1");
    }
    parts.add("in Java OnnxFile.withInputs and withShapes say the same");
    return String.join("; ", parts);
  }

  private String sizesOf(String input) {
    return graph
        .sizes(input)
        .map(known ->
            known.stream()
                .map(size -> size.isKnown() ? String.valueOf(size.factor()) : "SIZE")
                .collect(Collectors.joining(",")))
        .orElse("SIZES");
  }
}
