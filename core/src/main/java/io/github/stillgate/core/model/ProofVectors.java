package io.github.stillgate.core.model;

import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Inputs and the outputs that the maker of a network got for them: what shows that an import
 * computes the same network. Each case is one sequence from the initial state.
 *
 * <p>In a file a case is two tensors, {@code name.input} (steps x inputs) or {@code name.tokens}
 * (steps, whole numbers stored as floats), and {@code name.output} (steps x outputs); without a
 * name they are called {@code input}, {@code tokens} and {@code output}. In a weights file {@code
 * proof.} stands before the name. The vector of a step holds all inputs of a network that has
 * several, one behind the other in the order of the model, and so that of all outputs.
 *
 * @param cases one or more
 */
public record ProofVectors(List<Case> cases) {
  /** What the tensors' names begin with in a weights file. */
  static final String PREFIX = "proof.";

  /** What a tolerance lies below: at 1 a network that always gives 0 would pass. */
  public static final double TOLERANCE_BELOW = 1;

  /** No exponent of two, no suffix, no space, no name. */
  private static final Pattern DECIMAL =
      Pattern.compile("[0-9]{1,40}([.][0-9]{1,400})?([eE][-+]?[0-9]{1,4})?");

  private static final String TOLERANCE = "stillgate.proof.tolerance";
  private static final String MEASURED = "stillgate.proof.measured";

  /** Copies the list. */
  public ProofVectors {
    cases = List.copyOf(cases);
    if (cases.isEmpty()) {
      throw new IllegalArgumentException("a proof needs at least one case");
    }
  }

  /**
   * One sequence.
   *
   * @param name for messages
   * @param tokens the tokens read, or empty if vectors are
   * @param input the vectors read, one a step; empty if tokens are
   * @param output what came out, one vector a step
   */
  public record Case(String name, Optional<int[]> tokens, float[][] input, float[][] output) {
    /** Checks that there are as many outputs as inputs. */
    public Case {
      int steps = tokens.map(t -> t.length).orElse(input.length);
      if (steps == 0 || steps != output.length) {
        throw new IllegalArgumentException(
            "case %s: %d steps go in and %d come out".formatted(name, steps, output.length));
      }
    }
  }

  /**
   * How well the cases were met when they were put into the file.
   *
   * @param tolerance largest error that was allowed, relative to values above 1
   * @param measured largest error that was found
   */
  public record Met(double tolerance, double measured) {
    /**
     * Checks that the numbers can be what they are said to be.
     *
     * @throws IllegalArgumentException if the tolerance is not above 0 and below {@link
     *     #TOLERANCE_BELOW}, or the error found is not from 0 to the tolerance
     */
    public Met {
      requireTolerance(tolerance);
      // Written so that NaN fails it too.
      if (!(measured >= 0 && measured <= tolerance)) {
        throw new IllegalArgumentException(
            "a largest error of %s was not found within the tolerance %s"
                .formatted(measured, tolerance));
      }
    }
  }

  /**
   * Refuses a tolerance under which nothing is proved.
   *
   * @throws IllegalArgumentException if it is not a number above 0 and below {@link
   *     #TOLERANCE_BELOW}
   */
  public static void requireTolerance(double tolerance) {
    // Written so that NaN fails it too.
    if (!(tolerance > 0 && tolerance < TOLERANCE_BELOW)) {
      throw new IllegalArgumentException(
          "a proof's tolerance is %s; it is a number above 0 and below %s"
              .formatted(tolerance, TOLERANCE_BELOW));
    }
  }

  /**
   * Reads a file of nothing but cases.
   *
   * @throws WeightsFormatException if there is no case, or a tensor is missing, of the wrong shape,
   *     or part of no case
   */
  public static ProofVectors read(WeightsFile file) {
    return read(file, "")
        .orElseThrow(() ->
            new WeightsFormatException(
                file.path(), "holds no tensors \"input\" or \"tokens\", and \"output\""));
  }

  /**
   * The cases a weights file carries, if any.
   *
   * @throws WeightsFormatException if what the file says of them cannot be so
   */
  public static Optional<ProofVectors> carriedBy(WeightsFile file) {
    return metBy(file).isPresent() ? read(file, PREFIX) : Optional.empty();
  }

  /**
   * Names of a weights file's tensors that are part of the proof it carries.
   *
   * @throws WeightsFormatException as {@link #metBy} does
   */
  static Set<String> parts(WeightsFile file) {
    return metBy(file).isEmpty()
        ? Set.of()
        : file.tensors().keySet().stream()
            .filter(tensor -> tensor.startsWith(PREFIX))
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * How well the cases a weights file carries were met, as its maker says, if it carries any. Only
   * a replay shows that it is so.
   *
   * @throws WeightsFormatException if one of the two numbers is missing, is not written as a
   *     decimal number, or cannot be what it is said to be
   */
  public static Optional<Met> metBy(WeightsFile file) {
    Map<String, String> metadata = file.metadata();
    if (!metadata.containsKey(TOLERANCE) && !metadata.containsKey(MEASURED)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Met(number(metadata, TOLERANCE), number(metadata, MEASURED)));
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  private static double number(Map<String, String> metadata, String key) {
    String text = metadata.get(key);
    if (text == null || !DECIMAL.matcher(text).matches()) {
      throw new IllegalArgumentException(
          text == null
              ? "__metadata__ lacks " + key + ", without which its other number says nothing"
              : "%s is \"%s\"; it is a decimal number such as 1.0E-5".formatted(key, text));
    }
    return Double.parseDouble(text);
  }

  /** Adds the cases to a weights file, and how well they were met. */
  public void addTo(WeightsWriter writer, Met met) {
    for (Case c : cases) {
      String name = PREFIX + c.name() + ".";
      if (c.tokens().isPresent()) {
        int[] tokens = c.tokens().get();
        float[] values = new float[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
          values[i] = tokens[i];
        }
        writer.tensor(name + "tokens", values, tokens.length);
      } else {
        writer.tensor(name + "input", flat(c.input()), c.input().length, c.input()[0].length);
      }
      writer.tensor(name + "output", flat(c.output()), c.output().length, c.output()[0].length);
    }
    writer.metadata(TOLERANCE, Double.toString(met.tolerance()));
    writer.metadata(MEASURED, Double.toString(met.measured()));
  }

  /** Whether a note of a file tells of its proof. */
  static boolean isNote(String key) {
    return Set.of(TOLERANCE, MEASURED).contains(key);
  }

  private static float[] flat(float[][] rows) {
    float[] values = new float[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, values, i * rows[i].length, rows[i].length);
    }
    return values;
  }

  private static Optional<ProofVectors> read(WeightsFile file, String prefix) {
    Map<String, Map<String, Tensor>> found = new TreeMap<>();
    for (Map.Entry<String, Tensor> entry : file.tensors().entrySet()) {
      if (entry.getKey().startsWith(prefix)) {
        String path = entry.getKey().substring(prefix.length());
        int dot = path.lastIndexOf('.');
        String name = dot < 0 ? "0" : path.substring(0, dot);
        Tensor other =
            found
                .computeIfAbsent(name, _ -> new LinkedHashMap<>())
                .put(path.substring(dot + 1), entry.getValue());
        if (other != null) {
          throw new WeightsFormatException(
              file.path(),
              "tensors %s and %s both belong to case %s"
                  .formatted(other.name(), entry.getKey(), name));
        }
      }
    }
    if (found.isEmpty()) {
      return Optional.empty();
    }
    List<Case> cases = new ArrayList<>();
    for (Map.Entry<String, Map<String, Tensor>> entry : found.entrySet()) {
      try {
        cases.add(of(entry.getKey(), entry.getValue()));
      } catch (IllegalArgumentException e) {
        throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
      }
    }
    return Optional.of(new ProofVectors(cases));
  }

  private static Case of(String name, Map<String, Tensor> tensors) {
    Tensor output = tensors.get("output");
    Tensor input = tensors.get("input");
    Tensor tokens = tensors.get("tokens");
    if (tensors.size() != 2 || output == null || (input == null && tokens == null)) {
      throw new IllegalArgumentException(
          "case %s has the tensors %s; expected \"output\", and \"input\" or \"tokens\""
                  .formatted(name, tensors.keySet())
              + "; of several inputs or outputs join the rows, in the order of the model");
    }
    return tokens != null
        ? new Case(name, Optional.of(tokens(tokens)), new float[0][], rows(output))
        : new Case(name, Optional.empty(), rows(input), rows(output));
  }

  private static int[] tokens(Tensor tensor) {
    if (tensor.shape().length != 1) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected one token a step"
              .formatted(tensor.name(), Arrays.toString(tensor.shape())));
    }
    float[] values = tensor.toFloats();
    int[] tokens = new int[values.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (int) values[i];
      if (tokens[i] != values[i]) {
        throw new IllegalArgumentException(
            "%s: %s at step %d is no token".formatted(tensor.name(), values[i], i));
      }
    }
    return tokens;
  }

  private static float[][] rows(Tensor tensor) {
    if (tensor.shape().length != 2) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected steps x width"
              .formatted(tensor.name(), Arrays.toString(tensor.shape())));
    }
    if (tensor.elements() == 0 || tensor.elements() > Tensor.MAX_ELEMENTS) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected at least one step and one value, and at most %d values"
              .formatted(tensor.name(), Arrays.toString(tensor.shape()), Tensor.MAX_ELEMENTS));
    }
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "%s: value %d of step %d is %s; values must be finite"
                .formatted(tensor.name(), i % tensor.shape()[1], i / tensor.shape()[1], values[i]));
      }
    }
    int width = (int) tensor.shape()[1];
    float[][] rows = new float[(int) tensor.shape()[0]][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(values, i * width, (i + 1) * width);
    }
    return rows;
  }
}
