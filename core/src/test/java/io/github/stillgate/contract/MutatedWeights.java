package io.github.stillgate.contract;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Makes a good weights file into one that is nearly good: bytes changed, moved and cut; or members
 * of its header, or of the description in it, taken out, put in, copied over each other and set to
 * awkward values, with the rest left in order.
 */
public final class MutatedWeights {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String TOKENS = "{}[]\",:-.0123456789eE\\";
  private static final String DESCRIPTION = "stillgate";

  private static final List<String> WORDS =
      List.of(
          "",
          " ",
          "gru",
          "lstm",
          "conditional_gru",
          "conditional_dense",
          "dense",
          "backward",
          "bidirectional",
          "embedding",
          "simple_rnn",
          "full",
          "unit",
          "block",
          "hybrid",
          "tanh",
          "softmax",
          "relu",
          "linear",
          "F32",
          "BF16",
          "F16",
          "I8",
          "BOOL",
          "U64",
          "rnn0",
          "rnn1",
          "out",
          "forward",
          "proof",
          "proof.",
          "stillgate",
          "stillgate.proof.tolerance",
          "1e-3",
          "NaN",
          "\0",
          "\ud800",
          "\u00e9",
          "\uffff",
          "before",
          "after",
          "__metadata__",
          "a.b",
          "../../x",
          "%s%n",
          "${x}");

  private final SplittableRandom random;

  private MutatedWeights(SplittableRandom random) {
    this.random = random;
  }

  /** A changed copy of {@code file}, which is a good one, with or without a description. */
  public static byte[] of(byte[] file, SplittableRandom random) {
    MutatedWeights mutation = new MutatedWeights(random);
    try {
      return switch (random.nextInt(3)) {
        case 0 -> mutation.bytes(file);
        case 1 -> mutation.header(file);
        default -> mutation.description(file);
      };
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("the file to change is not a good one", e);
    }
  }

  private static int headerBytes(byte[] file) {
    return Math.toIntExact(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong());
  }

  private byte[] bytes(byte[] file) {
    byte[] changed = file.clone();
    int header = headerBytes(file);
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes && changed.length > 8; i++) {
      int begin = Math.min(header, changed.length - 8);
      int at =
          switch (random.nextInt(9)) {
            case 0, 1, 2 -> random.nextInt(changed.length);
            case 3, 4 -> random.nextInt(8);
            default -> 8 + random.nextInt(begin);
          };
      switch (random.nextInt(5)) {
        case 0 -> changed[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> changed[at] = (byte) random.nextInt(256);
        case 2 -> {
          if (random.nextInt(4) == 0) {
            changed = Arrays.copyOf(changed, at);
          }
        }
        case 3 -> changed[at] = (byte) TOKENS.charAt(random.nextInt(TOKENS.length()));
        default -> {
          int to = random.nextInt(changed.length);
          int length = Math.min(random.nextInt(16), changed.length - Math.max(at, to));
          System.arraycopy(changed, at, changed, to, length);
        }
      }
    }
    return changed;
  }

  private byte[] header(byte[] file) throws JsonProcessingException {
    ObjectNode header = headerOf(file);
    byte[] data = dataOf(file);
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      change(header);
    }
    if (random.nextInt(4) == 0) {
      data = Arrays.copyOf(data, Math.max(0, data.length + random.nextInt(9) - 4));
    }
    return joined(header.toString(), data);
  }

  private byte[] description(byte[] file) throws JsonProcessingException {
    ObjectNode header = headerOf(file);
    if (!(header.path("__metadata__") instanceof ObjectNode metadata)
        || !metadata.has(DESCRIPTION)) {
      return header(file);
    }
    JsonNode description = JSON.readTree(metadata.get(DESCRIPTION).asText());
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      change(description);
    }
    String text = description.toString();
    if (random.nextInt(20) == 0) {
      text = text.replaceFirst("[0-9]+", random.nextBoolean() ? "1e400" : "-0");
    }
    metadata.put(DESCRIPTION, text);
    if (random.nextInt(3) == 0) {
      transposeSome(header);
    }
    return joined(header.toString(), dataOf(file));
  }

  private void transposeSome(ObjectNode header) {
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (entry.getValue().path("shape") instanceof ArrayNode shape
          && shape.size() == 2
          && random.nextInt(10) == 0) {
        JsonNode first = shape.get(0);
        shape.set(0, shape.get(1));
        shape.set(1, first);
      }
    }
  }

  private static ObjectNode headerOf(byte[] file) throws JsonProcessingException {
    return (ObjectNode)
        JSON.readTree(new String(file, 8, headerBytes(file), StandardCharsets.UTF_8));
  }

  private static byte[] dataOf(byte[] file) {
    return Arrays.copyOfRange(file, 8 + headerBytes(file), file.length);
  }

  private static byte[] joined(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  private String word() {
    return WORDS.get(random.nextInt(WORDS.size()));
  }

  private JsonNode value() {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (random.nextInt(16)) {
      case 0 -> nodes.numberNode(0);
      case 1 -> nodes.numberNode(-1);
      case 2 -> nodes.numberNode(1);
      case 3 -> nodes.numberNode(Integer.MAX_VALUE);
      case 4 -> nodes.numberNode(Long.MAX_VALUE);
      case 5 -> nodes.numberNode(1e300);
      case 6 -> nodes.numberNode(new BigInteger("99999999999999999999999"));
      case 7 -> nodes.nullNode();
      case 8 -> nodes.booleanNode(random.nextBoolean());
      case 9, 10 -> nodes.textNode(word());
      case 11 -> nodes.arrayNode();
      case 12 -> nodes.objectNode();
      case 13 -> nodes.numberNode(random.nextInt(40));
      case 14 -> {
        ArrayNode array = nodes.arrayNode();
        int length = random.nextInt(4);
        for (int i = 0; i < length; i++) {
          array.add(value());
        }
        yield array;
      }
      default -> nodes.numberNode(0.5);
    };
  }

  /** One change at a random place. */
  private void change(JsonNode root) {
    List<JsonNode> places = new ArrayList<>();
    collect(root, places);
    if (places.isEmpty()) {
      return;
    }
    JsonNode place = places.get(random.nextInt(places.size()));
    if (place instanceof ObjectNode object) {
      change(object, places);
    } else {
      change((ArrayNode) place);
    }
  }

  private void change(ObjectNode object, List<JsonNode> places) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    if (names.isEmpty()) {
      object.set(word(), value());
      return;
    }
    String name = names.get(random.nextInt(names.size()));
    switch (random.nextInt(6)) {
      case 0 -> object.remove(name);
      case 1 -> object.set(word(), object.get(name).deepCopy());
      case 2 -> object.set(name, places.get(random.nextInt(places.size())).deepCopy());
      case 3 -> object.set(name, near(object.get(name)));
      default -> object.set(name, value());
    }
  }

  private void change(ArrayNode array) {
    if (array.isEmpty()) {
      array.add(value());
      return;
    }
    int at = random.nextInt(array.size());
    switch (random.nextInt(6)) {
      case 0 -> array.remove(at);
      case 1 -> array.add(array.get(at).deepCopy());
      case 2 -> array.insert(at, value());
      case 3 -> array.set(at, near(array.get(at)));
      default -> array.set(at, value());
    }
  }

  /** One more, one less or the same, if it is a number. */
  private JsonNode near(JsonNode node) {
    return node.isNumber()
        ? JsonNodeFactory.instance.numberNode(node.asLong() + random.nextInt(3) - 1)
        : value();
  }

  private static void collect(JsonNode node, List<JsonNode> places) {
    if (node.isContainerNode()) {
      places.add(node);
      node.forEach(child -> collect(child, places));
    }
  }
}
