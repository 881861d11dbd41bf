package io.github.stillgate.importers.keras;

import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a Keras file uses of HDF5: groups, texts as attributes, arrays of floats. The file is read
 * into memory first, so that one that is cut meanwhile cannot end the JVM. Whatever the reader
 * below throws at a damaged file becomes a {@link WeightsFormatException}.
 */
final class Hdf5 implements AutoCloseable {
  /**
   * Attributes and arrays are in the file, so none is larger, but for those that are compressed.
   */
  private static final long MOST_COMPRESSION = 64;

  private final Path path;
  private final long bytes;
  private final HdfFile file;

  private Hdf5(Path path, long bytes, HdfFile file) {
    this.path = path;
    this.bytes = bytes;
    this.file = file;
  }

  /**
   * Opens a file.
   *
   * @throws IOException if it is no regular file, is above 2 GiB or cannot be read
   * @throws WeightsFormatException if it is truncated or damaged
   */
  static Hdf5 open(Path path) throws IOException {
    byte[] bytes = RegularFile.read(path);
    return new Hdf5(path, bytes.length, whole(path, () -> HdfFile.fromBytes(bytes)));
  }

  /** Where it was read from. */
  Path path() {
    return path;
  }

  /** The group that holds all others. */
  Group root() {
    return file;
  }

  /** A group or an array in a group, or null; {@code place} may lead through several. */
  @Nullable Node find(Group group, String place) {
    return whole(
            path,
            () -> {
              Node at = group;
              for (String name : place.split("/")) {
                at = at instanceof Group inner ? inner.getChildren().get(name) : null;
              }
              return at == null ? Optional.<Node>empty() : Optional.of(at);
            })
        .orElse(null);
  }

  /** The text of an attribute, if there is one. */
  Optional<String> text(Node node, String attribute) {
    return data(node, attribute)
        .map(value -> {
          if (value instanceof byte[] utf8) {
            return new String(utf8, StandardCharsets.UTF_8);
          }
          if (value instanceof String text) {
            return text;
          }
          throw broken("attribute %s of %s is no text".formatted(attribute, node.getPath()));
        });
  }

  /** The texts of an attribute, in order, if there is one. */
  Optional<List<String>> texts(Node node, String attribute) {
    return data(node, attribute)
        .map(value -> {
          if (value instanceof String[] texts) {
            return List.of(texts);
          }
          throw broken(
              "attribute %s of %s is no list of texts".formatted(attribute, node.getPath()));
        });
  }

  private Optional<Object> data(Node node, String name) {
    return whole(
        path,
        () -> {
          Attribute attribute = node.getAttribute(name);
          if (attribute == null || attribute.isEmpty()) {
            return Optional.empty();
          }
          requireSize(name, attribute.getSizeInBytes());
          return Optional.of(attribute.getData());
        });
  }

  /**
   * The values of an array of floats.
   *
   * @param what names it in messages
   * @param shape the extents it must have
   */
  float[] floats(Dataset array, String what, int... shape) {
    int[] found = shape(array);
    if (!Arrays.equals(found, shape)) {
      throw broken(
          "%s has shape %s, expected %s"
              .formatted(what, Arrays.toString(found), Arrays.toString(shape)));
    }
    Object values =
        whole(
            path,
            () -> {
              requireSize(what, array.getSizeInBytes());
              return array.getDataFlat();
            });
    return switch (values) {
      case float[] floats -> floats;
      case double[] doubles -> {
        float[] rounded = new float[doubles.length];
        for (int i = 0; i < rounded.length; i++) {
          rounded[i] = (float) doubles[i];
        }
        yield rounded;
      }
      default ->
          throw broken(
              "%s holds %s; expected float32 or float64"
                  .formatted(what, values.getClass().getComponentType()));
    };
  }

  /** The extents of an array. */
  int[] shape(Dataset array) {
    return whole(path, array::getDimensions);
  }

  private void requireSize(String what, long size) {
    if (size > MOST_COMPRESSION * bytes) {
      throw broken("%s claims %d bytes in a file of %d".formatted(what, size, bytes));
    }
  }

  WeightsFormatException broken(String problem) {
    return new WeightsFormatException(path, problem);
  }

  /** What {@code reading} gives; the reader of HDF5 has no exception of its own for damage. */
  private static <T> T whole(Path path, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (WeightsFormatException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError e) {
      throw new WeightsFormatException(
          path, "is truncated or damaged: it cannot be read as HDF5 (%s)".formatted(e), e);
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
