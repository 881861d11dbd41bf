package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A test case as the ONNX standard stores them: {@code model.onnx}, and in one or more folders
 * {@code test_data_set_*} the inputs {@code input_0.pb, input_1.pb, ..} and the expected outputs
 * {@code output_0.pb, ..}, in the order of the graph's inputs and outputs.
 *
 * @param folder where these are
 */
public record OnnxCase(Path folder) {
  private static final String MODEL = "model.onnx";

  /** How a case went. */
  public sealed interface Outcome {
    /**
     * Every output was as expected.
     *
     * @param largestError {@code |y - expected| / max(1, |expected|)} where it is largest
     */
    record Passed(double largestError) implements Outcome {}

    /**
     * An output was not, or a file is broken.
     *
     * @param reason what was found and what was expected
     */
    record Failed(String reason) implements Outcome {}

    /**
     * This library cannot compute the graph.
     *
     * @param reason the node and what it would need
     */
    record Unsupported(String reason) implements Outcome {}
  }

  /**
   * The cases in {@code folder}: itself if it holds {@code model.onnx}, or else all folders below
   * that do, in the order of their paths.
   *
   * @throws NotDirectoryException if it is no folder
   */
  public static List<OnnxCase> in(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    if (Files.isRegularFile(folder.resolve(MODEL))) {
      return List.of(new OnnxCase(folder));
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.endsWith(MODEL) && Files.isRegularFile(file))
          .map(file -> new OnnxCase(file.getParent()))
          .sorted((a, b) -> a.folder().compareTo(b.folder()))
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Name of the folder. */
  public String name() {
    return String.valueOf(folder.toAbsolutePath().normalize().getFileName());
  }

  /**
   * Runs it.
   *
   * @param options backend and more of the plan
   * @param tolerance largest error, relative to {@code max(1, |expected|)}
   * @throws io.github.stillgate.core.plan.BackendUnavailableException if the backend asked for
   *     cannot run
   */
  public Outcome run(PlanOptions options, double tolerance) throws IOException {
    return run(options, tolerance, Map.of());
  }

  /**
   * Runs it with inputs that are constants, where the graph has them.
   *
   * @param options backend and more of the plan
   * @param tolerance largest error, relative to {@code max(1, |expected|)}
   * @param constants by the name of the input, as for {@link OnnxFile#withInputs}; a case that
   *     gives the input another value fails
   * @throws io.github.stillgate.core.plan.BackendUnavailableException if the backend asked for
   *     cannot run
   */
  public Outcome run(PlanOptions options, double tolerance, Map<String, String> constants)
      throws IOException {
    try {
      OnnxFile file = fixed(OnnxFile.open(folder.resolve(MODEL)), constants);
      double largest = 0;
      for (Path set : dataSets()) {
        for (Error error : errors(file.graph(), set, options)) {
          if (!(error.size() <= tolerance)) {
            return new Outcome.Failed(error.describe(set, tolerance));
          }
          largest = Math.max(largest, error.size());
        }
      }
      return new Outcome.Passed(largest);
    } catch (UnsupportedOnnxException e) {
      return new Outcome.Unsupported(String.valueOf(e.getMessage()));
    } catch (OnnxFormatException e) {
      return new Outcome.Failed(String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      // The plan or a sequence refuses: sums that could overflow, inputs or states out of bound.
      return new Outcome.Unsupported("%s: %s".formatted(folder.resolve(MODEL), e.getMessage()));
    }
  }

  private static OnnxFile fixed(OnnxFile file, Map<String, String> constants) {
    Map<String, String> there = new LinkedHashMap<>(constants);
    there.keySet().retainAll(file.graph().inputs());
    return there.isEmpty() ? file : file.withInputs(there);
  }

  private List<Path> dataSets() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> sets =
          files
              .filter(file -> String.valueOf(file.getFileName()).startsWith("test_data_set_"))
              .sorted()
              .toList();
      if (sets.isEmpty()) {
        throw new OnnxFormatException(folder, "has no folder test_data_set_*, expected one");
      }
      return sets;
    }
  }

  /** Where an output is farthest from what is expected. */
  private record Error(String output, int index, float value, float expected) {
    static Error of(String output, float[] values, float[] expected) {
      Error largest = new Error(output, 0, values[0], expected[0]);
      for (int i = 1; i < values.length; i++) {
        Error next = new Error(output, i, values[i], expected[i]);
        largest = next.size() > largest.size() ? next : largest;
      }
      return largest;
    }

    /** A value that is no number is beyond every tolerance. */
    double size() {
      double error = Math.abs((double) value - expected) / Math.max(1, Math.abs(expected));
      return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    String describe(Path set, double tolerance) {
      return String.format(
          Locale.ROOT,
          "%s: output \"%s\": value %d is %s, expected %s; the error is %.3g, allowed is %.3g",
          set,
          output,
          index,
          value,
          expected,
          size(),
          tolerance);
    }
  }

  private static List<Error> errors(Graph graph, Path set, PlanOptions options) throws IOException {
    Map<String, OnnxTensor> given = tensors(set, "input", graph.inputs());
    requireFixed(graph, set, given);
    RunnableNetwork network =
        RunnableNetwork.read(graph.fix(settings(graph, given)).bind(given), Map.of());
    Map<String, OnnxTensor> expected = tensors(set, "output", graph.outputs());
    if (expected.size() != graph.outputs().size()) {
      throw new OnnxFormatException(
          set,
          "has %d files output_*.pb, expected %d: %s"
              .formatted(expected.size(), graph.outputs().size(), graph.outputs()));
    }
    // Before anything runs: what the graph gives is then no larger than the files beside it.
    Map<String, float[]> values = new HashMap<>();
    network
        .shapes()
        .forEach((name, shape) -> {
          OnnxTensor wanted = Objects.requireNonNull(expected.get(name));
          long[] stored = Arrays.stream(wanted.shape()).asLongStream().toArray();
          if (!Arrays.equals(shape, stored)) {
            throw new OnnxFormatException(
                set,
                "output \"%s\" has shape %s, expected is %s"
                    .formatted(name, Arrays.toString(shape), wanted));
          }
          values.put(name, wanted.floats());
        });
    List<Error> errors = new ArrayList<>();
    // A recorded state may be any: drawn at random, or from training, where no bound is proved.
    PlanOptions wide =
        options.withStateBound(Math.max(options.stateBound(), network.largestStart()));
    try (Plan plan = Plan.compile(network.model(), wide)) {
      network
          .run(plan)
          .forEach((name, output) ->
              errors.add(Error.of(name, output, Objects.requireNonNull(values.get(name)))));
    }
    return errors;
  }

  /**
   * Inputs that are one whole number without dimensions, such as a sample rate: they say how the
   * graph runs, and are no values of a step.
   */
  private static Map<String, OnnxTensor> settings(Graph graph, Map<String, OnnxTensor> given) {
    Map<String, OnnxTensor> settings = new LinkedHashMap<>(graph.fixed());
    given.forEach((name, tensor) -> {
      if (!tensor.isFloat() && tensor.shape().length == 0 && graph.isGiven(name)) {
        settings.put(name, tensor);
      }
    });
    return settings;
  }

  private static void requireFixed(Graph graph, Path set, Map<String, OnnxTensor> given) {
    graph
        .fixed()
        .forEach((name, value) -> {
          OnnxTensor other = given.get(name);
          if (other != null && !other.hasValuesOf(value)) {
            throw new OnnxFormatException(
                set, "input \"%s\" has another value than was set".formatted(name));
          }
        });
  }

  private static Map<String, OnnxTensor> tensors(Path set, String kind, List<String> names)
      throws IOException {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    for (int i = 0; i < names.size(); i++) {
      Path file = set.resolve("%s_%d.pb".formatted(kind, i));
      if (Files.isRegularFile(file)) {
        tensors.put(names.get(i), OnnxTensor.read(file, names.get(i)));
      }
    }
    return tensors;
  }
}
