/** An example of its own: it requires the core and audio; the backends come by service binding. */
module io.github.stillgate.examples.vad {
  requires io.github.stillgate.audio;
  requires io.github.stillgate.core;
  requires java.desktop;
}
