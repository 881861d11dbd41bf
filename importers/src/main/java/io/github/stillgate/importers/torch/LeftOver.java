package io.github.stillgate.importers.torch;

import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What no layer has read of a state dict, module by module. */
final class LeftOver {
  /** Of these a message names each. */
  private static final int MOST_MODULES = 8;

  /** And of the tensors of each. */
  private static final int MOST_TENSORS = 4;

  private static final String NOT_SUPPORTED = ", which no layer of a chain computes";

  private LeftOver() {}

  /**
   * Refuses a network without modules that are in its file: nobody normalizes, convolves or stacks
   * for nothing. Integers and truth values are no weights, they count batches and the like.
   *
   * @param unused tensors that no layer has read
   * @param ignored names of tensors, or of modules with all that is below them, to be left out
   * @throws IllegalArgumentException if a tensor of floating-point numbers is neither used nor
   *     ignored, or {@code ignored} names what is used or not there
   */
  static void requireNone(Collection<Tensor> unused, Collection<String> ignored) {
    for (String name : ignored) {
      if (unused.stream().noneMatch(tensor -> isPart(tensor.name(), name))) {
        throw new IllegalArgumentException(
            "nothing to ignore: no tensor %s, and none whose name begins with %s., is left over"
                .formatted(name, name));
      }
    }
    SortedMap<String, SortedMap<String, Tensor>> modules = new TreeMap<>();
    for (Tensor tensor : unused) {
      if (isWeight(tensor.type()) && ignored.stream().noneMatch(n -> isPart(tensor.name(), n))) {
        String module = module(tensor.name());
        modules
            .computeIfAbsent(module, _ -> new TreeMap<>())
            .put(withinModule(tensor.name(), module), tensor);
      }
    }
    if (modules.isEmpty()) {
      return;
    }
    List<String> all = new ArrayList<>();
    modules.forEach((module, tensors) -> all.add(describe(module, tensors)));
    String names =
        modules.entrySet().stream()
            .map(e -> e.getKey().isEmpty() ? e.getValue().firstKey() : e.getKey())
            .limit(MOST_MODULES)
            .collect(Collectors.joining(","));
    throw new IllegalArgumentException(
        "the network is likely incomplete, since no layer uses %s%s; name them among the layers, or"
                .formatted(
                    all.stream().limit(MOST_MODULES).collect(Collectors.joining(", ")),
                    all.size() > MOST_MODULES
                        ? " and %d more".formatted(all.size() - MOST_MODULES)
                        : "")
            + " leave them out with --ignore "
            + names
            + (all.stream().anyMatch(module -> module.contains(NOT_SUPPORTED))
                ? ". Export a network that needs what no chain has to ONNX (docs/onnx.md)"
                : ""));
  }

  private static boolean isPart(String tensor, String name) {
    return tensor.equals(name) || tensor.startsWith(name + ".");
  }

  private static boolean isWeight(DType type) {
    return switch (type) {
      case F32, F64, F16, BF16 -> true;
      case I8, U8, I16, U16, I32, U32, I64, U64, BOOL -> false;
    };
  }

  /** The prefix of the module that a tensor belongs to. */
  private static String module(String tensor) {
    String own = tensor.replaceFirst("(^|\\.)parametrizations\\..*", "");
    return own.equals(tensor) ? own.substring(0, Math.max(0, own.lastIndexOf('.'))) : own;
  }

  private static String describe(String module, Map<String, Tensor> tensors) {
    String looksLike = looksLike(tensors);
    return "%s (%s%s)"
        .formatted(
            module.isEmpty() ? "the module without a prefix" : module,
            looksLike.isEmpty() ? "" : looksLike + ": ",
            tensors.entrySet().stream()
                .limit(MOST_TENSORS)
                .map(e -> e.getKey() + " " + Arrays.toString(e.getValue().shape()))
                .collect(Collectors.joining(", ")));
  }

  private static String withinModule(String tensor, String module) {
    return module.isEmpty() ? tensor : tensor.substring(module.length() + 1);
  }

  /** What the names and shapes look like; empty if like nothing known. */
  private static String looksLike(Map<String, Tensor> tensors) {
    if (tensors.containsKey("running_mean")) {
      return "a BatchNorm";
    }
    if (tensors.keySet().stream().anyMatch(name -> name.startsWith("weight_ih"))) {
      return "a recurrent module";
    }
    Tensor weight = tensors.get("weight");
    if (weight == null) {
      return "";
    }
    long[] shape = weight.shape();
    return switch (shape.length) {
      case 1 -> tensors.containsKey("bias") ? "a LayerNorm" + NOT_SUPPORTED : "a norm or a PReLU";
      case 2 -> tensors.containsKey("bias") ? "a Linear" : "a Linear or an Embedding";
      case 3 ->
          "a Conv1d with a kernel of %d%s".formatted(shape[2], shape[2] == 1 ? "" : NOT_SUPPORTED);
      case 4 -> "a Conv2d" + NOT_SUPPORTED;
      default -> "";
    };
  }
}
