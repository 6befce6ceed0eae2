// SPDX-License-Identifier: MIT
// recv_beast.cc - Boost.Beast reads a stream.

#include <cstdlib>
#include <cstring>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

extern "C" {
#include "recv.h"
}

extern "C" void bench_die(const char *format, ...);

namespace {

namespace asio  = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

// A transport of which each read gives what is left of the chunk at hand, and
// whose writes go nowhere.
class transport {
public:
    using executor_type = asio::io_context::executor_type;

    transport(asio::io_context &context, const stream *s)
        : context_(&context), stream_(s)
    {
    }

    executor_type get_executor() const noexcept
    {
        return context_->get_executor();
    }

    // From now on there are so many passes over the stream to be read.
    void rewind(std::uint64_t passes)
    {
        passes_ = passes;
        next_ = at_ = end_ = 0;
    }

    template <class Buffers>
    std::size_t read_some(const Buffers &buffers, error_code &error)
    {
        if (at_ == end_ && !refill()) {
            error = asio::error::eof;
            return 0;
        }
        const auto n = asio::buffer_copy(
            buffers, asio::buffer(stream_->buffer + at_, end_ - at_));
        at_  += n;
        error = {};
        return n;
    }

    template <class Buffers>
    std::size_t write_some(const Buffers &buffers, error_code &error)
    {
        error = {};
        return asio::buffer_size(buffers);
    }

    template <class Buffers> std::size_t read_some(const Buffers &buffers)
    {
        error_code error;
        return read_some(buffers, error);
    }

    template <class Buffers> std::size_t write_some(const Buffers &buffers)
    {
        error_code error;
        return write_some(buffers, error);
    }

private:
    // The next chunk is copied into the receive buffer, as recv() would.
    bool refill()
    {
        if (next_ == stream_->len) {
            next_ = 0;
            passes_--;
        }
        if (passes_ == 0)
            return false;
        at_  = 0;
        end_ = stream_->len - next_;
        if (end_ > stream_->chunk)
            end_ = stream_->chunk;
        std::memcpy(stream_->buffer, stream_->bytes + next_, end_);
        next_ += end_;
        return true;
    }

    asio::io_context *context_;
    const stream     *stream_;
    std::uint64_t     passes_ = 0;
    std::size_t       next_ = 0, at_ = 0, end_ = 0;
};

void teardown(beast::role_type, transport &, error_code &error) { error = {}; }

// Without permessage-deflate, which no column has.
using websocket = beast::websocket::stream<transport, false>;

struct connection {
    explicit connection(const stream *s) : source(s), socket(context, s) {}

    const stream      *source;
    asio::io_context   context;
    websocket          socket;
    beast::flat_buffer buffer;
};

void *open_connection(const stream *source)
{
    static const std::string request =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    error_code error;

    auto *c = new connection(source);
    c->socket.read_message_max(16 << 20);
    c->socket.accept(asio::buffer(request), error);
    if (error)
        bench_die("Beast: accept: %s", error.message().c_str());
    return c;
}

void close_connection(void *opaque)
{
    delete static_cast<connection *>(opaque);
}

void read_stream(void *opaque, std::uint64_t passes, int verify)
{
    auto        &c     = *static_cast<connection *>(opaque);
    tally        seen  = {};
    error_code   error;
    const auto   total = passes * c.source->frames;

    c.socket.next_layer().rewind(passes);
    while (seen.messages < total) {
        c.socket.read(c.buffer, error);
        if (error)
            bench_die("Beast: read: %s", error.message().c_str());
        const auto data = c.buffer.data();
        if (verify)
            stream_check_payload(c.source, "Beast", seen.messages,
                                 static_cast<const uint8_t *>(data.data()),
                                 data.size());
        seen.messages++;
        seen.bytes += data.size();
        seen.text  += c.socket.got_text();
        c.buffer.consume(data.size());
    }
    stream_check(c.source, "Beast", seen, passes);
}

} // namespace

const receiver receiver_beast = {
    "Beast",
    open_connection,
    read_stream,
    close_connection,
};
