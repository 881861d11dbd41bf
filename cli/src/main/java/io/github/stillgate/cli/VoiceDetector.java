package io.github.stillgate.cli;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.List;

/**
 * A network of Silero's kind at work: it takes a chunk of samples and gives the probability that
 * there is speech in it.
 *
 * <p>Since version 5 it reads the last samples of the chunk before as well, zeros at the beginning.
 */
final class VoiceDetector implements AutoCloseable {
  /**
   * What is told by the width of the input.
   *
   * @param rate samples a second
   * @param context samples of the chunk before
   * @param chunk new samples
   */
  record Form(int rate, int context, int chunk) {}

  private static final List<Form> FORMS =
      List.of(
          new Form(16_000, 64, 512),
          new Form(8_000, 32, 256),
          new Form(16_000, 0, 512),
          new Form(8_000, 0, 256));

  private static final String HOW =
      "./stillgate convert silero_vad.onnx silero.safetensors --set sr=16000 --shape input=1,576"
          + " makes one (docs/audio.md)";

  private final Form form;
  private final Session session;
  private final String input;
  private final String output;
  private final float[] samples;
  private final float[] probability = new float[1];

  private VoiceDetector(Form form, Session session, String input, String output) {
    this.form = form;
    this.session = session;
    this.input = input;
    this.output = output;
    this.samples = new float[form.context() + form.chunk()];
  }

  /**
   * What a network reads.
   *
   * @throws IllegalArgumentException if it is none of Silero's kind; the message names what is
   *     missing
   */
  static Form form(Model model) {
    if (model.readsTokens()) {
      throw new IllegalArgumentException(
          "it reads tokens, and a voice detector reads samples; " + HOW);
    }
    Graph graph = model.graph();
    if (graph.inputs().size() != 1) {
      throw new IllegalArgumentException(
          "it has several inputs, %s, and a voice detector has one, its samples: states among them become states with convert --state INPUT=OUTPUT, such as --state state=stateN, and the rate is fixed with --set sr=16000"
              .formatted(graph.inputs().stream().map(Graph.Value::name).toList()));
    }
    output(graph);
    int width = graph.inputs().getFirst().width();
    return FORMS.stream()
        .filter(form -> form.context() + form.chunk() == width)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "it reads %d samples a step; voice detectors of Silero read 576 (512 and the last 64 before) or 512 at 16 kHz, 288 or 256 at 8 kHz; "
                        .formatted(width)
                    + HOW));
  }

  private static String output(Graph graph) {
    List<String> single = new ArrayList<>(graph.outputs());
    single.removeIf(name -> graph.width(name) != 1);
    if (single.size() != 1) {
      throw new IllegalArgumentException(
          "it gives %s; a voice detector gives one value, the probability of speech, and %s"
              .formatted(
                  graph.outputs().stream()
                      .map(name -> "%s of %d".formatted(name, graph.width(name)))
                      .toList(),
                  single.isEmpty() ? "none of these is one" : "several of these are one"));
    }
    return single.getFirst();
  }

  /** A stream through {@code plan}, whose model has a {@link #form}. */
  static VoiceDetector open(Plan plan) {
    Graph graph = plan.model().graph();
    return new VoiceDetector(
        form(plan.model()), Session.open(plan), graph.inputs().getFirst().name(), output(graph));
  }

  /**
   * The probability of speech in the next samples; 0 bytes are allocated.
   *
   * @param chunk holds as many as the form says; not changed
   * @throws io.github.stillgate.core.session.InputRefusedException if one is not finite
   */
  float probability(float[] chunk) {
    System.arraycopy(samples, form.chunk(), samples, 0, form.context());
    System.arraycopy(chunk, 0, samples, form.context(), form.chunk());
    session.set(input, samples);
    session.step();
    session.get(output, probability);
    return probability[0];
  }

  @Override
  public void close() {
    session.close();
  }
}
