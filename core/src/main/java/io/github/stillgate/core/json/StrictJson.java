package io.github.stillgate.core.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON that nobody has vouched for: no name twice in an object, nothing behind the value, a
 * bound on nesting and on the number of values, and problems told in our own words.
 *
 * <p>A text is either read whole by {@link #tree(String, int, int)}, or, if it is long, member by
 * member: {@link #nextName} and {@link #value} walk the one object it is made of, so that memory
 * goes with the member and not with the text. Not safe for several threads.
 */
public final class StrictJson implements AutoCloseable {
  /** Names are not kept in tables across texts: hostile ones would fill them. */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(1000)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final JsonParser parser;
  private final int maxDepth;
  private final Set<String> names = new HashSet<>();

  /**
   * Begins an object that is read member by member.
   *
   * @param maxDepth objects and arrays that may stand inside each other, the outermost included
   * @throws JsonProblem if the text does not begin with an object
   * @throws IOException if the reader fails
   */
  public StrictJson(Reader text, int maxDepth) throws JsonProblem, IOException {
    this.parser = FACTORY.createParser(text);
    this.maxDepth = maxDepth;
    if (next() != JsonToken.START_OBJECT) {
      throw problem("it begins with something that is no object");
    }
  }

  private StrictJson(String text, int maxDepth) throws IOException {
    this.parser = FACTORY.createParser(new StringReader(text));
    this.maxDepth = maxDepth;
  }

  /**
   * All of {@code text}.
   *
   * @param maxDepth objects and arrays that may stand inside each other
   * @param maxValues values that may be in it
   * @throws JsonProblem if it breaks a rule
   */
  public static JsonNode tree(String text, int maxDepth, int maxValues) throws JsonProblem {
    try (StrictJson json = new StrictJson(text, maxDepth)) {
      if (json.next() == JsonToken.NOT_AVAILABLE) {
        throw new JsonProblem("it is empty");
      }
      JsonNode root = json.new Subtree(maxValues).node(0);
      json.requireEnd();
      return root;
    } catch (IOException e) {
      throw new AssertionError("a string is read without input or output", e);
    }
  }

  /**
   * The name of the next member, or null behind the last; then nothing else may follow.
   *
   * @throws JsonProblem if the text breaks a rule
   * @throws IOException if the reader fails
   */
  public @Nullable String nextName() throws JsonProblem, IOException {
    if (next() == JsonToken.END_OBJECT) {
      requireEnd();
      return null;
    }
    String name = parser.currentName();
    if (!names.add(name)) {
      throw twice(name);
    }
    return name;
  }

  /**
   * The value of the member whose name was read last.
   *
   * @param maxValues values that may be in it
   * @throws JsonProblem if the text breaks a rule
   * @throws IOException if the reader fails
   */
  public JsonNode value(int maxValues) throws JsonProblem, IOException {
    next();
    return new Subtree(maxValues).node(1);
  }

  private void requireEnd() throws JsonProblem, IOException {
    if (next() != JsonToken.NOT_AVAILABLE) {
      throw problem("something follows the end of the text's value");
    }
  }

  /** The next token, {@link JsonToken#NOT_AVAILABLE} at the end. */
  private JsonToken next() throws JsonProblem, IOException {
    try {
      JsonToken token = parser.nextToken();
      return token == null ? JsonToken.NOT_AVAILABLE : token;
    } catch (JsonProcessingException e) {
      throw translated(e);
    }
  }

  private JsonProblem translated(JsonProcessingException e) {
    return switch (e) {
      case JsonEOFException _ -> new JsonProblem("it ends before its value does");
      case StreamConstraintsException _ -> problem("a number is too long");
      default -> problem("no valid JSON stands there");
    };
  }

  private JsonProblem twice(String name) {
    return problem("the name '%s' occurs twice in one object".formatted(name));
  }

  private JsonProblem problem(String what) {
    return new JsonProblem(
        String.format(
            Locale.ROOT, "%s (at character %d)", what, parser.currentLocation().getCharOffset()));
  }

  @Override
  public void close() throws IOException {
    parser.close();
  }

  /** One value with all that is in it. */
  private final class Subtree {
    private final int maxValues;
    private int values;

    Subtree(int maxValues) {
      this.maxValues = maxValues;
    }

    /** The value that begins at the current token, with {@code depth} others around it. */
    JsonNode node(int depth) throws JsonProblem, IOException {
      values++;
      if (values > maxValues) {
        throw problem(
            String.format(
                Locale.ROOT, "there are more than %d values, which is the limit", maxValues));
      }
      try {
        return switch (parser.currentToken()) {
          case START_OBJECT -> object(depth + 1);
          case START_ARRAY -> array(depth + 1);
          case VALUE_STRING -> new ScalarNode(parser.getText());
          case VALUE_TRUE -> new ScalarNode(true);
          case VALUE_FALSE -> new ScalarNode(false);
          case VALUE_NULL -> new ScalarNode(null);
          case VALUE_NUMBER_FLOAT -> new ScalarNode(parser.getDoubleValue());
          case VALUE_NUMBER_INT ->
              switch (parser.getNumberType()) {
                case INT -> new ScalarNode(parser.getIntValue());
                case LONG -> new ScalarNode(parser.getLongValue());
                default -> new ScalarNode(parser.getBigIntegerValue());
              };
          default -> throw problem("a value was expected");
        };
      } catch (JsonProcessingException e) {
        throw translated(e);
      }
    }

    private ObjectNode object(int depth) throws JsonProblem, IOException {
      requireDepth(depth);
      ObjectNode object = new ObjectNode();
      while (next() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        if (object.has(name)) {
          throw twice(name);
        }
        next();
        object.set(name, node(depth));
      }
      return object;
    }

    private ArrayNode array(int depth) throws JsonProblem, IOException {
      requireDepth(depth);
      ArrayNode array = new ArrayNode();
      while (next() != JsonToken.END_ARRAY) {
        array.add(node(depth));
      }
      return array;
    }

    private void requireDepth(int depth) throws JsonProblem {
      if (depth > maxDepth) {
        throw problem(
            String.format(
                Locale.ROOT, "it nests deeper than %d levels, which is the limit", maxDepth));
      }
    }
  }
}
