using Kuguru.Lab;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Stories;

/// <summary>The watcher itself: it must bite when a rule is broken, and only then.</summary>
public sealed class InvariantTests
{
    static readonly IkeSpi s_i = new(1), s_r = new(2);
    readonly World _world = new();
    readonly Peer _peer;

    public InvariantTests() => _peer = new(_world, "peer", _world.Internet);

    [Fact]
    public void A_second_request_before_the_answer_is_broken()
    {
        Says(Request(1));
        Breaks("request 2 while 1 is unanswered", () => Says(Request(2)));
        Hears(Response(1));
        Says(Request(2));
    }

    [Fact]
    public void A_gap_in_message_IDs_is_broken()
    {
        Says(Request(1));
        Hears(Response(1));
        Breaks("request 3 after 1", () => Says(Request(3)));
    }

    [Fact]
    public void Other_bytes_with_the_same_ID_are_broken_on_any_port_and_the_same_bytes_are_not()
    {
        Says(Request(1));
        Says(Request(1), natPort: true);
        Breaks("two different messages with ID 1", () => Says(Request(1, new Payload.Nonce(new byte[16])), natPort: true));
        Says(Response(0));
        Says(Response(0));
        Breaks("two different messages with ID 0", () => Says(Response(0, new Payload.Nonce(new byte[16]))));
    }

    [Fact]
    public void A_first_message_may_change_after_an_answer_and_not_before()
    {
        var changed = Request(0, new Payload.Nonce(new byte[16])) with { Exchange = ExchangeType.IkeSaInit };
        Says(Request(0) with { Exchange = ExchangeType.IkeSaInit });
        Breaks("two different", () => Says(changed));
        Hears(Response(0) with { Exchange = ExchangeType.IkeSaInit });
        Says(changed);
    }

    [Fact]
    public void ESP_without_an_SA_is_broken()
    {
        Breaks("no SA is installed", () => Esp(0xc0000001, 1));
        _world.Invariants.Installed(_peer, new(0xc0000001));
        Esp(0xc0000001, 1);
        _world.Invariants.Removed(_peer, new(0xc0000001));
        Breaks("no SA is installed", () => Esp(0xc0000001, 2));
    }

    [Fact]
    public void A_sequence_number_that_does_not_grow_is_broken()
    {
        _world.Invariants.Installed(_peer, new(0xc0000001));
        Esp(0xc0000001, 5);
        Breaks("#5 after #5", () => Esp(0xc0000001, 5));
    }

    [Fact]
    public void An_answer_that_amplifies_a_strangers_message_is_broken()
    {
        Hears(Request(0) with { Exchange = ExchangeType.IkeSaInit });
        Says(Response(0, new Payload.Nonce(new byte[256])));
        Breaks("answered 28 octets of a stranger with 288", () => _world.Invariants.Answered(_peer));
    }

    static IkeMessage Request(uint id, params Payload[] payloads) => new(s_i, s_r, ExchangeType.Informational, IkeFlags.Initiator, new(id), [.. payloads]);
    static IkeMessage Response(uint id, params Payload[] payloads) => new(s_i, s_r, ExchangeType.Informational, IkeFlags.Response, new(id), [.. payloads]);

    void Says(IkeMessage message, bool natPort = false) => _world.Invariants.Sent(_peer, PacketOf(message, natPort));
    void Hears(IkeMessage message) => _world.Invariants.Received(_peer, PacketOf(message, natPort: false));
    void Esp(uint spi, uint sequence) => _world.Invariants.Sent(_peer, Packet.Esp(_peer.Address, _peer.Address, Convert.FromHexString($"{spi:x8}{sequence:x8}00000000")));

    Packet PacketOf(IkeMessage message, bool natPort)
    {
        var end = new Endpoint(_peer.Address, natPort ? (ushort)4500 : (ushort)500);
        return Packet.Udp(end, end, natPort ? NonEspMarker.Add(message.Write()) : message.Write());
    }

    static void Breaks(string rule, Action action) =>
        Assert.Contains(rule, Assert.Throws<InvariantBrokenException>(action).Message, StringComparison.Ordinal);
}
