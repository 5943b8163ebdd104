// Drives the Verilated card: frames in, register accesses, records and frames out.
//
// Time: the card's clock runs while something moves; between frames, `now_ns` jumps once the card
// has been still for a while. The functions at the end are the library's interface; nothing here
// knows what a frame or a record means.

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "Vcard.h"
#include "taps.h"
#include "verilated.h"
#ifdef CARD_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr uint64_t PERIOD_PS = 6400;  // 156.25 MHz
constexpr int STILL_CYCLES = 24;  // nothing that does not wait (`busy`) takes longer to show itself

// What a stream transferred, one row a transfer: the cycle, then the payload in 64-bit words.
struct Rows {
    std::vector<uint64_t> data;
    size_t width = 0;

    template <std::size_t N> void add(uint64_t cycle, const VlWide<N>& payload) {
        begin(cycle, (N + 1) / 2);
        for (size_t i = 0; i < N; i += 2) {
            const uint64_t high = i + 1 < N ? payload[i + 1] : 0;
            data.push_back(high << 32 | payload[i]);
        }
    }
    void add(uint64_t cycle, uint64_t payload) {
        begin(cycle, 1);
        data.push_back(payload);
    }

private:
    void begin(uint64_t cycle, size_t words) {
        width = words + 1;
        data.push_back(cycle);
    }
};

struct Card {
    VerilatedContext context;
    std::unique_ptr<Vcard> top;
#ifdef CARD_TRACE
    std::unique_ptr<VerilatedVcdC> trace;
#endif
    uint64_t cycle = 0;
    uint64_t now_ps = 0;
    int still = 0;
    uint64_t frames_sent = 0;
    Rows taps[TAP_COUNT];
    Rows transmitted;                   // words of frames to the venue
    Rows shown;                         // which stages have something to hand on, while any has
    std::vector<uint64_t> frame_cycles; // cycle of the first word of each frame on the feed port
    // Cycle and now_ps behind each leap in time; the first pair stands for all before it.
    std::vector<uint64_t> leaps = {0, 0};

    Card() {
#ifdef CARD_TRACE
        context.traceEverOn(true);
#endif
        top = std::make_unique<Vcard>(&context);
    }

    void step() {
        top->now_ns = now_ps / 1000;
        top->clk = 0;
        top->eval();
        sample();
#ifdef CARD_TRACE
        if (trace) trace->dump(cycle * 2);
#endif
        top->clk = 1;
        top->eval();
#ifdef CARD_TRACE
        if (trace) trace->dump(cycle * 2 + 1);
#endif
        ++cycle;
        now_ps += PERIOD_PS;
        ++still;
    }

    void sample() {
        if (top->busy) still = 0;
#define TAP(index, valid, payload)                                                                 \
    if (top->valid) {                                                                              \
        taps[index].add(cycle, top->payload);                                                      \
        still = 0;                                                                                 \
    }
        TAPS
#undef TAP
        if (top->order_tx___05Fvalid && top->order_tx___05Fready) {
            transmitted.add(cycle, top->order_tx___05Fpayload);
            still = 0;
            frames_sent += top->order_tx___05Fpayload[2] >> 5 & 1;  // last
        }
        if (top->shown) shown.add(cycle, top->shown);
    }

    // Let time pass until `ns`: cycle by cycle while anything moves, in one leap when all is still.
    // While a gap is open no leap is longer than the hold time, or it would end too late. Stops early
    // when a frame to the venue is completed: its answer may be due before `ns`.
    void advance(uint64_t ns, uint64_t hold_ns) {
        const uint64_t sent = frames_sent;
        while (now_ps < ns * 1000 && frames_sent == sent) {
            if (still < STILL_CYCLES) {
                step();
                continue;
            }
            const uint64_t leap = now_ps / 1000 + hold_ns;
            const bool held = top->gap_open && leap < ns;
            now_ps = (held ? leap : ns) * 1000;
            leaps.insert(leaps.end(), {cycle, now_ps});
            if (held) still = 0;
        }
    }

    template <typename Payload>
    static void word(Payload& payload, const uint8_t* data, uint32_t length, uint32_t at) {
        const uint32_t bytes = length - at < 8 ? length - at : 8;
        uint64_t value = 0;
        std::memcpy(&value, data + at, bytes);
        payload[0] = static_cast<uint32_t>(value);
        payload[1] = static_cast<uint32_t>(value >> 32);
        payload[2] = bytes | (at == 0) << 4 | (at + bytes == length) << 5;
    }

    void feed(const uint8_t* data, uint32_t length, bool good) {
        frame_cycles.push_back(cycle);
        for (uint32_t at = 0; at < length; at += 8) {
            word(top->feed_rx___05Fpayload, data, length, at);
            top->feed_rx___05Fvalid = 1;
            still = 0;
            step();
        }
        top->feed_rx___05Fvalid = 0;
        top->feed_end___05Fpayload = good;
        top->feed_end___05Fvalid = 1;
        step();
        top->feed_end___05Fvalid = 0;
    }

    void respond(const uint8_t* data, uint32_t length) {
        for (uint32_t at = 0; at < length; at += 8) {
            word(top->order_rx___05Fpayload, data, length, at);
            top->order_rx___05Fvalid = 1;
            still = 0;
            step();
        }
        top->order_rx___05Fvalid = 0;
        top->order_end___05Fpayload = 1;
        top->order_end___05Fvalid = 1;
        step();
        top->order_end___05Fvalid = 0;
    }
};

}  // namespace

extern "C" {

Card* card_new() {
    auto* card = new Card;
    card->top->order_tx___05Fready = 1;
    return card;
}

void card_delete(Card* card) {
#ifdef CARD_TRACE
    if (card->trace) card->trace->close();
#endif
    delete card;
}

// Begin a waveform in the file `path`; returns 0 if this library was built without tracing.
int card_trace(Card* card, const char* path) {
#ifdef CARD_TRACE
    card->trace = std::make_unique<VerilatedVcdC>();
    card->top->trace(card->trace.get(), 99);
    card->trace->open(path);
    return 1;
#else
    (void)card, (void)path;
    return 0;
#endif
}

void card_reset(Card* card) {
    card->top->rst = 1;
    for (int i = 0; i < 4; ++i) card->step();
    card->top->rst = 0;
    card->step();
}

void card_step(Card* card, uint64_t cycles) {
    while (cycles--) card->step();
}

// Let time pass until `ns`, or until a frame to the venue is completed.
void card_advance(Card* card, uint64_t ns, uint64_t hold_ns) { card->advance(ns, hold_ns); }

uint64_t card_now_ns(const Card* card) { return card->now_ps / 1000; }

uint64_t card_cycle(const Card* card) { return card->cycle; }

void card_write(Card* card, uint32_t word, uint32_t value) {
    card->top->bus___05Faddr = word;
    card->top->bus___05Fw_data = value;
    card->top->bus___05Fw_en = 1;
    card->step();
    card->top->bus___05Fw_en = 0;
}

uint32_t card_read(Card* card, uint32_t word) {
    card->top->bus___05Faddr = word;
    card->top->bus___05Fr_en = 1;
    card->step();
    card->top->bus___05Fr_en = 0;
    card->top->clk = 0;
    card->top->eval();
    return card->top->bus___05Fr_data;
}

// Play frames in turn, each not before its time and none after `until_ns`; stop early behind the
// frame during which a frame to the venue was completed. Returns the number of frames played.
uint64_t card_play(Card* card, const uint8_t* data, const uint64_t* offset, const uint32_t* length,
                   const uint64_t* time_ns, const uint8_t* good, uint64_t frames,
                   uint64_t until_ns, uint64_t hold_ns) {
    const uint64_t sent = card->frames_sent;
    uint64_t played = 0;
    for (; played < frames && time_ns[played] <= until_ns; ++played) {
        card->advance(time_ns[played], hold_ns);
        if (card->frames_sent != sent) return played;
        card->feed(data + offset[played], length[played], good[played]);
        if (card->frames_sent != sent) return played + 1;
    }
    return played;
}

void card_respond(Card* card, const uint8_t* data, uint32_t length) {
    card->respond(data, length);
}

uint64_t card_frames_sent(const Card* card) { return card->frames_sent; }

// The rows that stream `tap` transferred since the last `card_clear`; TAP_COUNT names the words of
// frames to the venue since the last `card_clear_sent`, TAP_COUNT + 1 the stages that had something
// to hand on since the last `card_clear`. `width` is in 64-bit words, `count` in rows.
const uint64_t* card_rows(const Card* card, uint32_t tap, uint64_t* count, uint64_t* width) {
    const Rows& rows = tap < TAP_COUNT    ? card->taps[tap]
                       : tap == TAP_COUNT ? card->transmitted
                                          : card->shown;
    *width = rows.width;
    *count = rows.width ? rows.data.size() / rows.width : 0;
    return rows.data.data();
}

const uint64_t* card_frame_cycles(const Card* card, uint64_t* count) {
    *count = card->frame_cycles.size();
    return card->frame_cycles.data();
}

// Cycle and card time in ps behind each leap in time, from the last one before `card_clear` on.
const uint64_t* card_leaps(const Card* card, uint64_t* count) {
    *count = card->leaps.size() / 2;
    return card->leaps.data();
}

void card_clear(Card* card) {
    for (Rows& rows : card->taps) rows.data.clear();
    card->shown.data.clear();
    card->frame_cycles.clear();
    card->leaps.erase(card->leaps.begin(), card->leaps.end() - 2);
}

// Forget the frames to the venue; call it between two frames only.
void card_clear_sent(Card* card) { card->transmitted.data.clear(); }

}  // extern "C"
