package io.github.stillgate.bench;

/** How this program was started, for the commands that stand beside results. */
public final class Launched {
  private static final String COMMAND = "./stillgate";

  private Launched() {}

  /** The launcher, with the Maven profile that brought ONNX Runtime if it is there. */
  public static String command() {
    try {
      Class.forName("ai.onnxruntime.OrtEnvironment", false, Launched.class.getClassLoader());
      return "STILLGATE_MAVEN_ARGS=-Ppeers " + COMMAND;
    } catch (ClassNotFoundException withoutPeers) {
      return COMMAND;
    }
  }
}
