using Kuguru.Ike.V1;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Messages in pieces, where both ends have announced them.</summary>
public class FragmentStories
{
    [Fact]
    public void Long_messages_go_in_pieces_in_both_directions()
    {
        var pair = MainModeStories.Two(nat: new("203.0.113.9"));
        (pair.Moon.Settings, pair.Sun.Settings) = (new() { FragmentSizeV4 = 160 }, new() { FragmentSizeV4 = 160 });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Contains("> 1024>500 ID_PROT { FRAG(1) }", pair.World.Transcript);
        Assert.Contains("< 500>1024 ID_PROT { FRAG(1) }", pair.World.Transcript);
        Assert.Contains("QUICK_MODE { FRAG(", pair.World.Transcript);
    }

    [Fact]
    public void Nobody_gets_pieces_who_has_not_asked_for_them()
    {
        var pair = MainModeStories.Two(moon: c => c with { Fragmentation = false });
        (pair.Moon.Settings, pair.Sun.Settings) = (new() { FragmentSizeV4 = 160 }, new() { FragmentSizeV4 = 160 });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.DoesNotContain("FRAG", pair.World.Transcript);
    }

    [Fact]
    public void Pieces_may_come_in_any_order_and_twice_but_not_without_end()
    {
        byte[] whole = [.. Enumerable.Range(0, 100).Select(n => (byte)n)];
        Payload.Fragment Piece(int number, bool last = false) => new(7, (byte)number, last, whole[((number - 1) * 40)..Math.Min(number * 40, 100)]);
        var reassembly = new Reassembly();
        Assert.Null(reassembly.Add(Piece(3, last: true), 1000, out _));
        Assert.Null(reassembly.Add(Piece(1), 1000, out _));
        Assert.Null(reassembly.Add(Piece(1), 1000, out _));
        Assert.Equal(whole, reassembly.Add(Piece(2), 1000, out var isBad)!);
        Assert.False(isBad);

        for (var number = 1; number < 200; number++)
            reassembly.Add(new Payload.Fragment(8, (byte)number, false, new byte[100]), 1000, out isBad);
        Assert.True(isBad);
        // Behind the last one there is nothing.
        reassembly.Add(Piece(2, last: true) with { MessageId = 9 }, 1000, out _);
        Assert.Null(reassembly.Add(new Payload.Fragment(9, 3, false, new byte[1]), 1000, out isBad));
        Assert.True(isBad);
    }
}
