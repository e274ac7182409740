using System.Globalization;
using System.Numerics;

namespace Kuguru.Daemon.Settings;

/// <summary>What strongSwan reads from the text of a value: numbers in decimal or hexadecimal, times and volumes with a unit, yes and no.</summary>
public static class SettingsText
{
    public static bool? Bool(string text) => text.ToLowerInvariant() switch
    {
        "yes" or "true" or "enabled" or "1" => true,
        "no" or "false" or "disabled" or "0" => false,
        _ => null,
    };

    public static ulong? Number(string text)
    {
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        return ulong.TryParse(hex ? text.AsSpan(2) : text, style, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    public static T? Number<T>(string text, T min, T max) where T : struct, INumber<T> =>
        Number(text) is { } number && number <= ulong.CreateSaturating(max) && T.CreateSaturating(number) >= min ? T.CreateSaturating(number) : null;

    public static double? Real(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Seconds, or a number with s, m, h or d. At most 100 years, so that sums do not overflow.</summary>
    public static TimeSpan? Time(string text)
    {
        var (digits, unit) = Split(text);
        long? seconds = unit switch { "" or "s" => 1, "m" => 60, "h" => 3600, "d" => 86400, _ => null };
        return Number(digits) is { } number && seconds is { } scale && number <= (ulong)(100L * 366 * 86400 / scale)
            ? TimeSpan.FromSeconds((long)number * scale)
            : null;
    }

    public const string KeepAliveWanted = "auto or a time, such as 20s (0 sends none)";

    public static Nat.KeepAlivePolicy? KeepAlive(string text) => text.Equals("auto", StringComparison.OrdinalIgnoreCase) ? Nat.KeepAlivePolicy.Auto
        : Time(text) is { } interval ? Nat.KeepAlivePolicy.Every(interval) : null;

    /// <summary>Octets, or a number with k, m or g (1024 each); saturates.</summary>
    public static ulong? Volume(string text)
    {
        var (digits, unit) = Split(text);
        int? shift = unit switch { "" => 0, "k" => 10, "m" => 20, "g" => 30, _ => null };
        if (Number(digits) is not { } number || shift is not { } bits)
            return null;
        return number > ulong.MaxValue >> bits ? ulong.MaxValue : number << bits;
    }

    /// <summary>Words between separators, without spaces around them and without empty ones.</summary>
    public static IReadOnlyList<string> Words(string text, params char[] separators) =>
        text.Split(separators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    static (string Digits, string Unit) Split(string text)
    {
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var end = text.Length;
        while (end > 0 && !(hex ? char.IsAsciiHexDigit(text[end - 1]) : char.IsAsciiDigit(text[end - 1])))
            end--;
        return (text[..end], text[end..].Trim().ToLowerInvariant());
    }
}
