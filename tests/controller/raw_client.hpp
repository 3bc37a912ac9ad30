#pragma once

// A client that sends the bytes it is given and reads what comes, well-behaved or not. Blocking, with a bound of 20 s on each
// read, so that a server that does not answer fails a test instead of hanging it.

#include <string>
#include <string_view>

#include "controller/file_descriptor.hpp"

namespace cofferdam::controller {

struct RawAnswer {
  int status = 0;
  std::string header;  ///< with the status line, lower-cased names are not guaranteed
  std::string body;

  /// The value of a header, or "".
  [[nodiscard]] std::string field(const std::string& name) const;
};

class RawClient {
 public:
  static RawClient tcp(unsigned short port);
  static RawClient local(const std::string& path);

  /// False: the connection is gone.
  bool send(std::string_view bytes);
  /// One whole answer; `head`: it has no body whatever Content-Length says. Status 0: the connection ended or was silent.
  RawAnswer answer(bool head = false);
  RawAnswer ask(std::string_view bytes) { return send(bytes) ? answer() : RawAnswer{}; }
  /// Everything until the server closes; `closed` tells whether it did so in time.
  std::string rest(bool& closed);
  void close() { socket_.reset(); }

 private:
  explicit RawClient(int fd);
  bool fill();
  void read_chunks(RawAnswer& answer);

  FileDescriptor socket_;
  std::string buffer_;
};

}  // namespace cofferdam::controller
