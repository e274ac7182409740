namespace Kuguru.Esp;

/// <summary>What the replay check says before decryption.</summary>
public enum ReplayVerdict
{
    Fresh,

    /// <summary>Seen already, or 0, which is never sent.</summary>
    Replayed,

    /// <summary>Left of the window.</summary>
    TooOld,
}

/// <summary>
/// The anti-replay window of one inbound SA (RFC 4303 section 3.4.3 and appendix A): <see cref="Check"/> before decryption, <see cref="Accept"/>
/// once the packet is authentic. A ring of bits, of which a whole word is cleared at a time (RFC 6479). With extended sequence numbers the
/// high half, which is not sent, is inferred from where the window is. One thread at a time.
/// </summary>
public sealed class ReplayWindow
{
    public const int MaxSize = 1 << 16;

    /// <summary>Where the check is off, the high half is still inferred, as if the window were so wide.</summary>
    const uint InferenceSize = 32;

    readonly ulong[] _bits;
    readonly uint _size;
    readonly bool _extended;
    ulong _newest;

    /// <param name="size">Packets that may arrive late; 0 switches the check off.</param>
    /// <param name="extended">64-bit sequence numbers.</param>
    public ReplayWindow(int size, bool extended)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, MaxSize);
        (_size, _extended) = ((uint)size, extended);
        // One word more than the window, so that the word being cleared is outside of it.
        _bits = size == 0 ? [] : new ulong[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(size + 63) / 64 + 1)];
    }

    /// <summary>The highest number accepted so far, 0 before the first.</summary>
    public ulong Newest => _newest;

    /// <summary>Says whether the packet is worth decrypting, and its full number.</summary>
    public ReplayVerdict Check(uint low, out ulong sequence)
    {
        if (!TryInfer(low, out sequence))
            return ReplayVerdict.TooOld;
        if (_size == 0)
            return ReplayVerdict.Fresh;
        if (sequence == 0)
            return ReplayVerdict.Replayed;
        if (sequence > _newest)
            return ReplayVerdict.Fresh;
        if (_newest - sequence >= _size)
            return ReplayVerdict.TooOld;
        return (Word(sequence) & Bit(sequence)) == 0 ? ReplayVerdict.Fresh : ReplayVerdict.Replayed;
    }

    /// <summary>The number is that of an authentic packet, which <see cref="Check"/> called fresh. True when it is the newest so far.</summary>
    public bool Accept(ulong sequence)
    {
        var isNewest = sequence > _newest;
        if (_size > 0)
        {
            if (isNewest)
                ClearBetween(_newest, sequence);
            Word(sequence) |= Bit(sequence);
        }
        if (isNewest)
            _newest = sequence;
        return isNewest;
    }

    /// <summary>Appendix A2.2, with Tl and Th the halves of the newest number and W the size. False when it would lie before the first.</summary>
    bool TryInfer(uint low, out ulong sequence)
    {
        sequence = low;
        if (!_extended)
            return true;
        var (tl, th, width) = ((uint)_newest, _newest >> 32, _size == 0 ? InferenceSize : _size);
        var bottom = unchecked(tl - width + 1);
        var high = (tl >= width - 1, low >= bottom) switch
        {
            (true, true) => th,
            (true, false) => th + 1,
            (false, true) => th - 1,
            (false, false) => th,
        };
        sequence |= high << 32;
        return high <= uint.MaxValue;
    }

    /// <summary>Clears the words that come into the ring with numbers above the newest.</summary>
    void ClearBetween(ulong newest, ulong sequence)
    {
        var words = Math.Min((sequence >> 6) - (newest >> 6), (ulong)_bits.Length);
        for (var i = 1ul; i <= words; i++)
            _bits[((newest >> 6) + i) & (ulong)(_bits.Length - 1)] = 0;
    }

    ref ulong Word(ulong sequence) => ref _bits[(sequence >> 6) & (ulong)(_bits.Length - 1)];

    static ulong Bit(ulong sequence) => 1ul << (int)(sequence & 63);
}
