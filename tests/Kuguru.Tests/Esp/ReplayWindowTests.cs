using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class ReplayWindowTests
{
    const ReplayVerdict Fresh = ReplayVerdict.Fresh, Replayed = ReplayVerdict.Replayed, TooOld = ReplayVerdict.TooOld;

    /// <summary>Arrivals in order, in the style of WireGuard's numbered table: what the check says, and whether it moves the window.</summary>
    [Fact]
    public void A_window_of_64_follows_the_table()
    {
        var window = new ReplayWindow(64, extended: false);
        (uint Number, ReplayVerdict Verdict)[] table =
        [
            /*  1 */ (0, Replayed),
            /*  2 */ (1, Fresh),
            /*  3 */ (1, Replayed),
            /*  4 */ (9, Fresh),
            /*  5 */ (8, Fresh),
            /*  6 */ (7, Fresh),
            /*  7 */ (7, Replayed),
            /*  8 */ (64, Fresh),
            /*  9 */ (63, Fresh),
            /* 10 */ (63, Replayed),
            /* 11 */ (2, Fresh),
            /* 12 */ (65, Fresh),
            /* 13 */ (1, TooOld),
            /* 14 */ (2, Replayed),
            /* 15 */ (3, Fresh),
            /* 16 */ (128, Fresh),
            /* 17 */ (64, TooOld),
            /* 18 */ (65, Replayed),
            /* 19 */ (66, Fresh),
            /* 20 */ (1000, Fresh),
            /* 21 */ (128, TooOld),
            /* 22 */ (937, Fresh),
            /* 23 */ (936, TooOld),
            /* 24 */ (999, Fresh),
            /* 25 */ (1000, Replayed),
            /* 26 */ (uint.MaxValue, Fresh),
            /* 27 */ (uint.MaxValue - 63, Fresh),
            /* 28 */ (uint.MaxValue - 64, TooOld),
            /* 29 */ (uint.MaxValue, Replayed),
            /* 30 */ (1001, TooOld),
            /* 31 */ (0, Replayed),
        ];
        foreach (var ((number, expected), line) in table.Select((row, i) => (row, i + 1)))
        {
            Assert.True(expected == window.Check(number, out var sequence), $"line {line}: {number}");
            if (expected == Fresh)
                window.Accept(sequence);
        }
    }

    /// <summary>Against a set of everything seen: every window size behaves as RFC 4303 section 3.4.3 says, word boundaries or not.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(128)]
    [InlineData(1000)]
    [InlineData(4096)]
    public void Any_size_agrees_with_a_plain_set(int size)
    {
        var random = new Random(size);
        var window = new ReplayWindow(size, extended: false);
        var seen = new HashSet<long>();
        var newest = 0L;
        for (var i = 0; i < 20_000; i++)
        {
            var jump = random.Next(100) < 2 ? random.Next(3 * size) : random.Next(4) - 1;
            var number = random.Next(3) == 0 ? Math.Max(1, newest - random.Next(size + 3)) : Math.Max(1, newest + jump);
            var expected = number > newest ? Fresh : newest - number >= size ? TooOld : seen.Contains(number) ? Replayed : Fresh;
            Assert.Equal(expected, window.Check((uint)number, out var sequence));
            Assert.Equal((ulong)number, sequence);
            if (expected != Fresh)
                continue;
            seen.Add(number);
            Assert.Equal(number > newest, window.Accept(sequence));
            newest = Math.Max(newest, number);
        }
    }

    [Fact]
    public void A_check_alone_moves_nothing()
    {
        var window = new ReplayWindow(32, extended: false);
        window.Check(500, out _);
        Assert.Equal(Fresh, window.Check(1, out _));
        Assert.Equal(0ul, window.Newest);
    }

    [Fact]
    public void Size_0_lets_everything_pass_and_still_knows_the_newest()
    {
        var window = new ReplayWindow(0, extended: false);
        Assert.True(window.Accept(5));
        Assert.Equal(Fresh, window.Check(5, out _));
        Assert.False(window.Accept(5));
        Assert.Equal(Fresh, window.Check(0, out _));
    }

    /// <summary>RFC 4303 appendix A2.2: case A, the window within one half; case B, the window across two.</summary>
    [Theory]
    [InlineData(0x0_0000_0000, 1u, 0x0_0000_0001)]
    [InlineData(0x0_8000_0000, 0x8000_0001u, 0x0_8000_0001)]
    [InlineData(0x0_8000_0000, 0x7FFF_FFF0u, 0x0_7FFF_FFF0)]
    [InlineData(0x0_8000_0000, 0x7FFF_FFE1u, 0x0_7FFF_FFE1)]
    [InlineData(0x0_8000_0000, 0x7FFF_FFE0u, 0x1_7FFF_FFE0)]
    [InlineData(0x0_FFFF_FFFF, 0x0000_0000u, 0x1_0000_0000)]
    [InlineData(0x1_0000_0000, 0xFFFF_FFFFu, 0x0_FFFF_FFFF)]
    [InlineData(0x1_0000_0005, 0xFFFF_FFE6u, 0x0_FFFF_FFE6)]
    [InlineData(0x1_0000_0005, 0xFFFF_FFE5u, 0x1_FFFF_FFE5)]
    [InlineData(0x1_0000_0005, 0x0000_0003u, 0x1_0000_0003)]
    [InlineData(0x1_0000_001E, 0xFFFF_FFFFu, 0x0_FFFF_FFFF)]
    [InlineData(0x1_0000_001F, 0x0000_0000u, 0x1_0000_0000)]
    [InlineData(0x1_0000_001F, 0xFFFF_FFFFu, 0x1_FFFF_FFFF)]
    [InlineData(0x7_FFFF_FFF0, 0x0000_0002u, 0x8_0000_0002)]
    public void The_high_half_is_inferred_from_the_window(long newest, uint low, long expected)
    {
        var window = new ReplayWindow(32, extended: true);
        window.Accept((ulong)newest);
        window.Check(low, out var sequence);
        Assert.Equal((ulong)expected, sequence);
    }

    [Fact]
    public void Before_the_first_half_there_is_nothing()
    {
        var window = new ReplayWindow(32, extended: true);
        Assert.Equal(TooOld, window.Check(0xFFFF_FFF0, out _));
        Assert.Equal(Replayed, window.Check(0, out _));
        window.Accept(3);
        Assert.Equal(TooOld, window.Check(0xFFFF_FFFF, out _));
    }

    [Fact]
    public void Extended_numbers_keep_their_bits_across_the_border()
    {
        var window = new ReplayWindow(64, extended: true);
        for (var number = 0xFFFF_FFC0ul; number <= 0x1_0000_0040; number++)
        {
            Assert.Equal(Fresh, window.Check((uint)number, out var sequence));
            Assert.Equal(number, sequence);
            Assert.True(window.Accept(sequence));
            Assert.Equal(Replayed, window.Check((uint)number, out _));
        }
        Assert.Equal(Replayed, window.Check(0x0000_0001, out _));
        Assert.Equal(0x1_0000_0040ul, window.Newest);
    }
}
