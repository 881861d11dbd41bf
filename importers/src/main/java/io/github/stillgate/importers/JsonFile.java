package io.github.stillgate.importers;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.JsonProblem;
import io.github.stillgate.core.json.StrictJson;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A JSON text of others with numbers in it. Everything it does not have, or has otherwise, is
 * refused with the file's name and the place. Immutable; any thread may use it.
 */
public final class JsonFile {
  /** More than any network in JSON that is known; a value takes some tens of bytes of memory. */
  private static final int MOST_CHARACTERS = 1 << 26;

  private static final int MOST_VALUES = 1 << 22;
  private static final int MAX_DEPTH = 64;

  /** The most dimensions an array of numbers has. */
  private static final int MOST_DIMENSIONS = 8;

  private static final Pattern NO_NUMBER = Pattern.compile("[\\[,:\\s]-?(NaN|Infinity)");

  private final Path path;
  private final JsonNode root;

  private JsonFile(Path path, JsonNode root) {
    this.path = path;
    this.root = root;
  }

  /**
   * Reads a file.
   *
   * @throws IOException if it is no regular file or cannot be read
   * @throws WeightsFormatException if it is too long, or not one JSON object in UTF-8
   */
  public static JsonFile read(Path path) throws IOException {
    long size = RegularFile.require(path).size();
    if (size > MOST_CHARACTERS) {
      throw new WeightsFormatException(
          path, "has %d bytes; JSON of at most %d is read".formatted(size, MOST_CHARACTERS));
    }
    try {
      return of(
          path,
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(RegularFile.read(path)))
              .toString());
    } catch (CharacterCodingException e) {
      throw new WeightsFormatException(path, "is not encoded in UTF-8", e);
    }
  }

  /**
   * A JSON text that stands in {@code path}.
   *
   * @throws WeightsFormatException if it is not one object
   */
  public static JsonFile of(Path path, String text) {
    String json = text.startsWith("\ufeff") ? text.substring(1) : text;
    JsonNode root;
    try {
      root = StrictJson.tree(json, MAX_DEPTH, MOST_VALUES);
    } catch (JsonProblem e) {
      throw new WeightsFormatException(
          path,
          "cannot be read as JSON: %s%s"
              .formatted(
                  e.getMessage(),
                  NO_NUMBER.matcher(json).find()
                      ? "; it holds NaN or Infinity, which is no JSON and no weight"
                      : ""),
          e);
    }
    if (!root.isObject()) {
      throw new WeightsFormatException(path, "is JSON, but no object");
    }
    return new JsonFile(path, root);
  }

  /** Where it was read from. */
  public Path path() {
    return path;
  }

  /** The object it is. */
  public JsonNode root() {
    return root;
  }

  /** What to throw because something is missing or wrong. */
  public WeightsFormatException broken(String problem) {
    return new WeightsFormatException(path, problem);
  }

  /** What to throw because nothing here computes it. */
  public UnsupportedNetworkException unsupported(String problem) {
    return new UnsupportedNetworkException(path, problem);
  }

  /**
   * A whole number from 1 on.
   *
   * @param where names {@code object} in messages
   */
  public int count(JsonNode object, String field, String where) {
    JsonNode value = object.path(field);
    if (!value.isInt() || value.intValue() < 1) {
      throw broken(
          "%s: \"%s\" is %s; expected a whole number from 1 on"
              .formatted(where, field, shown(value)));
    }
    return value.intValue();
  }

  /** A string. */
  public String text(JsonNode object, String field, String where) {
    JsonNode value = object.path(field);
    if (!value.isTextual()) {
      throw broken("%s: \"%s\" is %s; expected a string".formatted(where, field, shown(value)));
    }
    return value.textValue();
  }

  /** True or false, {@code absent} if it is not there. */
  public boolean flag(JsonNode object, String field, boolean absent, String where) {
    JsonNode value = object.path(field);
    if (value.isMissingNode()) {
      return absent;
    }
    if (!value.isBoolean()) {
      throw broken(
          "%s: \"%s\" is %s; expected true or false".formatted(where, field, shown(value)));
    }
    return value.booleanValue();
  }

  /**
   * Refuses fields of an object that describes the network, if they are none of {@code known}.
   *
   * @throws UnsupportedNetworkException naming those fields
   */
  public void requireKnown(JsonNode object, Set<String> known, String where) {
    Set<String> unknown = new TreeSet<>();
    object.fieldNames().forEachRemaining(unknown::add);
    unknown.removeAll(known);
    if (!unknown.isEmpty()) {
      throw unsupported(
          "%s has the fields %s, which say something of the network that is not known here (known: %s)"
              .formatted(where, unknown, new TreeSet<>(known)));
    }
  }

  /** A value in a message: the beginning of it. */
  public static String shown(JsonNode value) {
    if (value.isMissingNode()) {
      return "missing";
    }
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + " ...";
  }

  /** The extents of arrays of numbers inside each other, going by the first of each. */
  public List<Integer> shape(JsonNode array) {
    List<Integer> shape = new ArrayList<>();
    JsonNode at = array;
    while (at.isArray() && shape.size() < MOST_DIMENSIONS) {
      shape.add(at.size());
      if (at.size() == 0) {
        break;
      }
      at = at.get(0);
    }
    return shape;
  }

  /**
   * The numbers of arrays inside each other, row-major, each rounded to a float.
   *
   * @param what names them in messages
   * @param shape the extents they must have
   */
  public float[] floats(JsonNode array, String what, int... shape) {
    long size = 1;
    for (int extent : shape) {
      size *= extent;
    }
    if (size > MOST_VALUES) {
      throw broken("%s: %d values would be expected, more than are read".formatted(what, size));
    }
    float[] values = new float[(int) size];
    fill(array, what, shape, 0, values, 0);
    return values;
  }

  private int fill(JsonNode array, String what, int[] shape, int dimension, float[] to, int at) {
    if (!array.isArray() || array.size() != shape[dimension]) {
      throw broken(
          "%s: %s in dimension %d, expected %d values%s"
              .formatted(
                  what,
                  array.isArray() ? "%d values".formatted(array.size()) : shown(array),
                  dimension,
                  shape[dimension],
                  shape.length > 1 ? " of shape " + Arrays.toString(shape) : ""));
    }
    int next = at;
    for (JsonNode element : array) {
      if (dimension + 1 < shape.length) {
        next = fill(element, what, shape, dimension + 1, to, next);
      } else if (element.isNumber()) {
        to[next++] = element.floatValue();
      } else {
        throw broken("%s: %s among its numbers".formatted(what, shown(element)));
      }
    }
    return next;
  }
}
