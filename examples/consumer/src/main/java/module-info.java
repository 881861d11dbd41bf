/**
 * A program that uses Stillgate. It requires the core alone: the backends come by service binding.
 */
module io.github.stillgate.examples.consumer {
  requires io.github.stillgate.core;
}
