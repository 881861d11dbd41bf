package io.github.stillgate.importers.torch;

import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The parameters of a state dict by the names that modules have for them: parametrizations are
 * folded, and names of tied weights that were stored once lead to what was stored. Keeps account of
 * which tensors of the file were read.
 */
final class Parameters {
  private final WeightsFile file;
  private final SortedMap<String, Parametrization> parametrized;
  private final Map<String, String> tied = new TreeMap<>();
  private final Set<String> names;
  private final Set<String> used = new HashSet<>();
  private final Set<String> remarks = new LinkedHashSet<>();
  private int wide;

  /**
   * The parameters of {@code file}.
   *
   * @param tied names of parameters that are not in the file, with the name each is stored under;
   *     beside them count those that {@code safetensors.torch.save_model} writes to the metadata
   * @throws IllegalArgumentException if such a name is in the file, or what it is tied to is not
   */
  Parameters(WeightsFile file, Map<String, String> tied) {
    this.file = file;
    Set<String> stored = file.tensors().keySet();
    this.parametrized = ParametrizedNames.of(stored);
    Set<String> own = new LinkedHashSet<>(stored);
    parametrized.values().forEach(p -> p.tensors().forEach(own::remove));
    own.addAll(parametrized.keySet());
    file.metadata()
        .forEach((name, other) -> {
          if (!own.contains(name) && own.contains(other)) {
            this.tied.put(name, other);
          }
        });
    tied.forEach((name, other) -> {
      if (own.contains(name) || !own.contains(other)) {
        throw new IllegalArgumentException(
            "%s cannot be tied to %s: the file has %s"
                .formatted(
                    name,
                    other,
                    own.contains(name) ? "a tensor " + name + " itself" : "no tensor " + other));
      }
      this.tied.put(name, other);
    });
    own.addAll(this.tied.keySet());
    this.names = Collections.unmodifiableSet(own);
  }

  /** Names of all parameters, in the order of the file. */
  Set<String> names() {
    return names;
  }

  boolean has(String name) {
    return names.contains(name);
  }

  /**
   * The parameter of that name; its tensors count as used.
   *
   * @throws io.github.stillgate.core.weights.WeightsFormatException if there is none
   * @throws IllegalArgumentException if it is made of several tensors that do not fit
   */
  Parameter get(String name) {
    String other = tied.getOrDefault(name, name);
    if (!other.equals(name)) {
      remarks.add("%s is tied to %s".formatted(name, other));
    }
    Parametrization made = parametrized.get(other);
    if (made != null) {
      Parameter parameter = made.read(name, this::read);
      remarks.add("%s: %s is folded".formatted(name, made.what()));
      return parameter;
    }
    return new Parameter.Stored(name, read(other));
  }

  /** The parameter of that name, which is a vector. */
  Parameter vector(String name) {
    Parameter vector = get(name);
    if (vector.shape().length != 1) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected a vector".formatted(name, Arrays.toString(vector.shape())));
    }
    return vector;
  }

  /** The parameter of that name, which is a vector of that length. */
  Parameter vector(String name, int length) {
    Parameter vector = get(name);
    if (!Arrays.equals(vector.shape(), new long[] {length})) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected [%d]"
              .formatted(name, Arrays.toString(vector.shape()), length));
    }
    return vector;
  }

  private Tensor read(String stored) {
    Tensor tensor = file.tensor(stored);
    if (used.add(stored) && tensor.type() == DType.F64) {
      wide++;
    }
    return tensor;
  }

  /** Counts a tensor as used that tells nothing of what the network computes. */
  void skip(String name) {
    if (file.tensors().containsKey(name)) {
      used.add(name);
    }
  }

  /** Whether all tensors that make up that parameter were read. */
  boolean hasUsed(String name) {
    return tensors(name).allMatch(used::contains);
  }

  private Stream<String> tensors(String name) {
    String other = tied.getOrDefault(name, name);
    Parametrization made = parametrized.get(other);
    return made == null ? Stream.of(other) : made.tensors().stream();
  }

  /** Tensors of the file that were not read, sorted. */
  List<Tensor> unused() {
    Set<String> left = new TreeSet<>(file.tensors().keySet());
    left.removeAll(used);
    return left.stream().map(file::tensor).toList();
  }

  /** What was folded, tied and rounded so far, a sentence each. */
  List<String> remarks() {
    List<String> all = new ArrayList<>(remarks);
    if (wide > 0) {
      all.add(
          wide == 1
              ? "1 tensor is float64 and was rounded to float32"
              : wide + " tensors are float64 and were rounded to float32");
    }
    return all;
  }
}
